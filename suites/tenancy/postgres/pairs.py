"""Pairs: what exists at the neighbour and what exists nowhere must be answered alike when it is written."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from constat.attempt import Answer, Pair, indistinguishable
from constat.judgement import Judgement, coverage
from constat.outcome import Outcome
from suites.tenancy.postgres.planting import MARK, TEXTS, new_canary, new_number, new_uuid
from suites.tenancy.postgres.scenes import Scene
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import Act
from suites.tenancy.postgres.statements import changing, insertable, inserting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.relations import Column, ForeignKey
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.seeds import Seed
    from suites.tenancy.postgres.sessions import Attacker

# Relations that may refuse at COMMIT only.
_LATE: Final = "SELECT DISTINCT conrelid::bigint FROM pg_constraint WHERE condeferrable AND conrelid <> 0"
_PARTIAL: Final = "SELECT indrelid::bigint, pg_get_expr(indpred, indrelid) FROM pg_index WHERE indisunique AND indpred IS NOT NULL"
_TRIES: Final = 64  # of what the columns of a predicate could be
_AT_ONCE: Final = sql.SQL("SET CONSTRAINTS ALL IMMEDIATE")
_WRITTEN: Final = frozenset({"ok"})
_END: Final = 4  # digits at the end of a text that make it another of the same kind
_MISSHAPEN: Final = frozenset({"sqlstate 23514", "sqlstate 22001"})  # the made-up value does not fit: a badly asked question


@dataclass(frozen=True, kw_only=True)
class Question:
    """Two rows of one's own: one repeats what the neighbour has, the other what nobody has."""

    subject: str
    existing: dict[str, Any]
    absent: dict[str, Any]
    refers: bool = False  # about a reference, not about keys
    changes: bool = False  # by UPDATE of one's own row
    late: bool = False  # a constraint of the relation may tell at COMMIT only


def attacked(field: Field) -> Iterator[Judgement]:
    """Ask about every key and every reference of every relation that the application may insert into or change."""
    touched = [relation for relation in field.reachable if relation.privileges & {"INSERT", "UPDATE"} and relation.kind in WRITABLE]
    scenes = [scene for scene in field.scenes(tuple(touched)).values() if isinstance(scene, Scene)]
    late = {oid for (oid,) in field.oracle.execute(_LATE).fetchall()}
    asked = [
        (scene, replace(question, late=scene.relation.oid in late))
        for scene in scenes
        for question in questions(scene, field.seeder.spare.get(_spare(field, scene)))
    ]
    answers: dict[str, list[Pair]] = {}
    for question, one, other in _asked(field.actors["tenant"], asked):
        if not (question.changes and other.kind in _MISSHAPEN and one.kind != other.kind):
            answers.setdefault(question.subject, []).append(pair(question, one, other))
    for scene, predicate in _partial(field, scenes):
        if unasked := _asked_within(field, scene, predicate, answers):
            yield unasked
    for subject, pairs in answers.items():
        yield indistinguishable(subject, pairs, enough=1)
    yield coverage(len(scenes), len(touched), what="relations that the application may INSERT into or UPDATE") if touched else _nothing()


def questions(scene: Scene, spare: Seed | None) -> Iterator[Question]:
    """About the keys of both of the victim's rows at once, and about each reference alone."""
    known = (scene.theirs, *([spare] if spare else []))
    if scene.may("INSERT"):
        yield from _by_insert(scene, known)
    if scene.may("UPDATE") and scene.relation.readable:
        yield from _by_change(scene, known)


def _by_insert(scene: Scene, known: tuple[Seed, ...]) -> Iterator[Question]:
    own = insertable(scene, scene.mine)
    for theirs in known:
        free = _free(scene)
        existing = own | {column.name: theirs.values[column.name] for column in free if theirs.values.get(column.name) is not None}
        absent = {name: _unheard(scene, name, value) if name in {c.name for c in free} else value for name, value in existing.items()}
        yield Question(subject=f"{scene.relation}: keys", existing=existing, absent=absent)
    for reference in scene.relation.references:
        if question := _reference(scene, reference, own):
            yield question


def _partial(field: Field, scenes: list[Scene]) -> Iterator[tuple[Scene, str]]:
    """The relations with a unique index of some of their rows, and which rows these are."""
    by_oid = {scene.relation.oid: scene for scene in scenes if scene.may("INSERT")}
    for oid, predicate in field.oracle.execute(_PARTIAL).fetchall():
        if oid in by_oid:
            yield by_oid[oid], predicate


def _asked_within(field: Field, scene: Scene, predicate: str, answers: dict[str, list[Pair]]) -> Judgement | None:
    """Plant a row of the neighbour's within the index, and ask about it; NOT_REVIEWED when none could be thought of."""
    subject = f"{scene.relation}: keys where {predicate}"
    for chosen in chosen_within(scene, predicate):
        if not _is_within(field, scene, predicate, chosen):
            continue
        with _planted(field, scene, insertable(scene, scene.theirs) | chosen) as stored:
            if stored:
                question = _within(scene, subject, stored, chosen)
                attacker = field.actors["tenant"]
                one, other = (attacker.act(_act(scene, question, values)) for values in (question.existing, question.absent))
                answers.setdefault(subject, []).append(pair(question, one, other))
                return None
    return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason="no row within the unique index could be planted")


def chosen_within(scene: Scene, predicate: str) -> Iterator[dict[str, Any]]:
    """What the columns of a predicate could be for it to hold: as they are, then the constants that stand in it."""
    named_in = [column.name for column in _free(scene) if re.search(rf"\b{re.escape(column.name)}\b", predicate)]
    constants = [*re.findall(r"'([^']*)'", predicate), *re.findall(r"(?<![\w'])\d+(?![\w'])", predicate)]
    values = [*dict.fromkeys(constants), "2026-01-01", "true", "false", "1", None]
    yield {}
    for count in range(1, len(named_in) + 1):
        for names in itertools.combinations(named_in, count):
            yield from itertools.islice((dict(zip(names, drawn, strict=True)) for drawn in itertools.product(values, repeat=count)), _TRIES)


def _is_within(field: Field, scene: Scene, predicate: str, chosen: dict[str, Any]) -> bool:
    """Whether the neighbour's row, so changed, would be in the index."""
    row = sql.SQL("(SELECT r FROM {} AS r WHERE position({} in r::text) > 0 LIMIT 1)").format(named(scene.relation), scene.theirs.canary)
    query = sql.SQL("SELECT ({}) IS TRUE FROM jsonb_populate_record({}, {}) AS r").format(sql.SQL(predicate), row, Jsonb(chosen))
    try:
        return field.oracle.execute(query).fetchone() == (True,)
    except psycopg.errors.DatabaseError:
        return False  # not a value of that column's type


@contextlib.contextmanager
def _planted(field: Field, scene: Scene, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Another row of the neighbour's for a while, as it was stored; empty where it was refused."""
    statement = inserting(scene.relation, values) + sql.SQL(" RETURNING r::text, r.*")
    try:
        text, *stored = field.oracle.execute(statement).fetchone() or ("",)
    except psycopg.errors.DatabaseError:
        yield {}
        return
    try:
        yield dict(zip([column.name for column in scene.relation.columns], stored, strict=True))
    finally:
        field.oracle.execute(sql.SQL("DELETE FROM {} AS r WHERE r::text = {}").format(named(scene.relation), text))


def _within(scene: Scene, subject: str, stored: dict[str, Any], chosen: dict[str, Any]) -> Question:
    own = insertable(scene, scene.mine)
    free = {column.name: stored[column.name] for column in _free(scene) if stored[column.name] is not None}
    unheard = {name: value if name in chosen else _unheard(scene, name, value) for name, value in free.items()}
    empty = {name: value for name, value in chosen.items() if value is None}
    return Question(subject=subject, existing=own | free | empty, absent=own | unheard | empty)


def _by_change(scene: Scene, known: tuple[Seed, ...]) -> Iterator[Question]:
    """One's own row is given the values of the neighbour's unique columns, and values that nobody has."""
    unique = {c.name for c in _free(scene, "UPDATE")} & _unique(scene)
    for theirs in known:
        existing = {name: theirs.values[name] for name in sorted(unique) if theirs.values.get(name) is not None}
        absent = {name: _unheard(scene, name, value, anew=True) for name, value in existing.items()}
        if existing != absent:
            yield Question(subject=f"{scene.relation}: keys by UPDATE", existing=existing, absent=absent, changes=True)


def _unique(scene: Scene) -> set[str]:
    """Columns of unique indexes, and texts, for an index could be over an expression of any of them."""
    return set(scene.relation.unique) | {column.name for column in scene.relation.columns if column.base in TEXTS}


def _asked(attacker: Attacker, asked: list[tuple[Scene, Question]]) -> Iterator[tuple[Question, Answer, Answer]]:
    """Keys together; each reference in a transaction of its own, for a row that was just written could be what it refers to."""
    keys = [(scene, question) for scene, question in asked if not question.refers]
    existing = attacker.acts([_act(scene, question, question.existing) for scene, question in keys], alike=_WRITTEN)
    absent = attacker.acts([_act(scene, question, question.absent) for scene, question in keys], alike=_WRITTEN)
    yield from ((question, one, other) for (_, question), one, other in zip(keys, existing, absent, strict=True))
    for scene, question in asked:
        if question.refers:
            yield question, attacker.act(_act(scene, question, question.existing)), attacker.act(_act(scene, question, question.absent))


def pair(question: Question, one: Answer, other: Answer) -> Pair:
    """What was answered to each, without what was given."""
    return Pair(existing=_plain(one, question.existing), absent=_plain(other, question.absent))


def _spare(field: Field, scene: Scene) -> tuple[int, str]:
    return scene.theirs.relation.oid, field.pair[1]


def _act(scene: Scene, question: Question, values: dict[str, Any]) -> Act:
    statement = changing(scene, values) if question.changes else inserting(scene.relation, values)
    # Where something refers to the key that is changed, the change is refused: that would only spoil a bundle.
    refused = question.changes and bool(scene.referring) and bool(set(values) & set(scene.relation.key))
    return Act(statement=statement, before=(_AT_ONCE,) if question.late else (), alone=refused)


def _free(scene: Scene, command: str = "INSERT") -> list[Column]:
    """Columns whose value is one's own choice: neither the tenant's nor a reference's."""
    bound = {scene.tenant_column, *(name for reference in scene.relation.references for name in reference.columns)}
    return [column for column in scene.relation.columns if column.name not in bound and not column.generated and command in column.granted]


def _reference(scene: Scene, reference: ForeignKey, own: dict[str, Any]) -> Question | None:
    """A child of one's own under the neighbour's row, and under one that is nowhere; the tenant's column stays one's own."""
    names = [name for name in reference.columns if name != scene.tenant_column]
    if not names or not set(names) <= set(own) or any(scene.theirs.values.get(name) is None for name in names):
        return None
    theirs = {name: scene.theirs.values[name] for name in names}
    nowhere = {name: _unheard(scene, name, value) for name, value in theirs.items()}
    return Question(subject=f"{scene.relation}: reference {', '.join(names)}", existing=own | theirs, absent=own | nowhere, refers=True)


def _unheard(scene: Scene, name: str, value: object, *, anew: bool = False) -> object:
    """A value of the same shape that nobody has; with `anew`, for any text, whether or not a unique index names it."""
    column = next(column for column in scene.relation.columns if column.name == name)
    if column.base == "uuid":
        return new_uuid()
    if column.base in TEXTS and isinstance(value, str) and MARK in value.lower():
        start = value.lower().index(MARK)
        drawn = new_canary()[: len(value) - start]
        return value[:start] + drawn + value[start + len(drawn) :]
    unique = name in scene.relation.unique
    if (unique or anew) and column.base in TEXTS and isinstance(value, str) and not (column.constants or column.labels):
        return value[: -_END if len(value) > _END else None] + secrets.token_hex(_END // 2)
    if unique and isinstance(value, int) and not isinstance(value, bool):
        return new_number(len(str(value)))
    return value


def _plain(answer: Answer, given: dict[str, Any]) -> str:
    text = f"{answer.kind}\n{answer.shown}"
    for name, value in sorted(given.items(), key=lambda item: -len(str(item[1]))):
        if len(str(value)) > 3:  # noqa: PLR2004 - a shorter one is part of other words
            text = text.replace(str(value), f"<{name}>")
    return text


def _nothing() -> Judgement:
    return Judgement(
        subject="coverage", outcome=Outcome.PASS, reason="the application may INSERT and UPDATE nowhere", expected=0, observed=0
    )
