"""Let temporary tables take the place of others, with rows that would let the attacker in everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres import calling
from suites.tenancy.postgres.functions import callable_by, calls_of, foreign_canaries
from suites.tenancy.postgres.lore import lore_of
from suites.tenancy.postgres.seeds import named
from suites.tenancy.postgres.sessions import connect
from suites.tenancy.postgres.trespass import Trespass, Trespasser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field

TOGETHER: Final = 50  # relations read in one statement
CALLS: Final = 8  # of one function, with everything shadowed
# Only what is found by name when it runs can be shadowed: the bodies of functions; policies and views are bound when they are made.
_BODIES: Final = """
SELECT coalesce(string_agg(p.prosrc, ' '), '') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


def attacked(field: Field) -> Iterator[Judgement]:
    """Shadow every table that a function names, then read and call everything again."""
    with connect(field.database.app_dsn) as connection:
        trespasser = Trespasser(field, connection)
        tried = trespasser.act([sql.SQL("CREATE TEMPORARY TABLE constat_shadow ()").format()]).answer
        if tried.kind == "sqlstate 42501":
            yield _judged("temporary tables", tried.kind, "the application may create none, so nothing can be shadowed", hurt=False)
            return
        shadows = list(_shadows(field))
        yield from _read(trespasser, field, shadows)
        yield from _called(trespasser, field, shadows)


def _read(trespasser: Trespasser, field: Field, shadows: list[Composed]) -> Iterator[Judgement]:
    readable = [relation for relation in field.reachable if relation.readable]
    for start in range(0, len(readable), TOGETHER):
        together = readable[start : start + TOGETHER]
        if _is_quiet(trespasser.act([*shadows, _reading(together)]), foreign_canaries(field)):
            yield from (_judged(str(relation), "ok", "nothing more is seen", hurt=False) for relation in together)
        else:
            for relation in together:
                yield _judge(str(relation), trespasser.act([*shadows, _reading([relation])]), foreign_canaries(field))


def _called(trespasser: Trespasser, field: Field, shadows: list[Composed]) -> Iterator[Judgement]:
    known = callable_by(field)
    lores = lore_of(field.oracle, known)
    for function in known:
        for call in calls_of(field, function, lores[function.oid])[:CALLS]:
            canaries = tuple(canary for canary in foreign_canaries(field) if canary not in map(str, call.existing))
            yield _judge(str(function), trespasser.act([*shadows, calling.statement(function, call.existing)]), canaries)


def _reading(relations: Sequence[Relation]) -> Composed:
    parts = [
        sql.SQL("SELECT ROW({})::text FROM {}").format(sql.SQL(", ").join(map(sql.Identifier, relation.readable)), named(relation))
        for relation in relations
    ]
    return sql.SQL(" UNION ALL ").join(parts)


def _is_quiet(seen: Trespass, canaries: tuple[str, ...]) -> bool:
    return seen.answer.kind in {"ok", "zero rows"} and not seen.hurt and not any(seen.answer.shows(canary) for canary in canaries)


def _judge(subject: str, seen: Trespass, canaries: tuple[str, ...]) -> Judgement:
    leaked = bool(seen.hurt) or any(seen.answer.shows(canary) for canary in canaries)
    reason = "a temporary table took another's place, and the neighbour's rows were reached" if leaked else "nothing more is seen"
    return _judged(subject, seen.answer.kind, reason, hurt=leaked)


def _judged(subject: str, kind: str, reason: str, *, hurt: bool) -> Judgement:
    return Judgement(subject=subject, outcome=Outcome.FAIL if hurt else Outcome.PASS, reason=reason, observed=[kind])


def _shadows(field: Field) -> Iterator[Composed]:
    yield sql.SQL("SET LOCAL search_path = pg_temp, public").format()
    row = field.oracle.execute(_BODIES).fetchone()
    bodies = str(row[0]) if row else ""
    for relation in {relation.name: relation for relation in field.known}.values():
        if relation.name in bodies:
            yield from _shadow(field, relation)


def _shadow(field: Field, relation: Relation) -> Iterator[Composed]:
    """One that anybody may read, with a row for the victim's tenant and one for the attacker's."""
    name = sql.Identifier("pg_temp", relation.name)
    columns = [sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.base)) for column in relation.columns]
    yield sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(relation.name), sql.SQL(", ").join(columns))
    yield sql.SQL("GRANT ALL ON {} TO PUBLIC").format(name)
    for whose in (field.theirs, field.mine):
        values = {column.name: whose for column in relation.columns if column.base == "uuid"}
        values |= {column.name: field.login for column in relation.columns if column.base == "text"}
        values |= {field.database.tenant_column: field.theirs} if relation.has(field.database.tenant_column) else {}
        names, literals = sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(sql.Literal, values.values()))
        if values:
            yield sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, names, literals)
