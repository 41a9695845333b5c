"""Functions that are said to leak nothing: the planner lets them see rows before the policies have taken those away."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.arguments import arguments
from suites.tenancy.postgres.counterparts import Giver
from suites.tenancy.postgres.functions import foreign_canaries
from suites.tenancy.postgres.lore import NOTHING
from suites.tenancy.postgres.planting import TEXTS
from suites.tenancy.postgres.seeds import named
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.attempt import Answer
    from constat.observe.relations import Column, Relation
    from suites.tenancy.postgres.field import Field

# Everything is said, and no index finds one's own rows first.
_BEFORE: Final = tuple(
    sql.SQL(f"SET LOCAL {setting}")
    for setting in ("client_min_messages = debug1", "enable_indexscan = off", "enable_bitmapscan = off", "enable_indexonlyscan = off")
)
_LEAKPROOF: Final = """
SELECT p.oid::regprocedure::text, n.nspname::text, p.proname::text, p.oid::bigint >= 16384 AND n.nspname <> 'pg_catalog' AS own,
       array(SELECT format_type(t.type, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t(type, place) ORDER BY t.place)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proleakproof AND p.prokind = 'f' AND NOT p.proretset AND p.pronargs BETWEEN 1 AND 3
    AND has_schema_privilege(%(login)s, n.oid, 'USAGE') AND has_function_privilege(%(login)s, p.oid, 'EXECUTE')
    AND p.prorettype <> 'internal'::regtype AND 'internal'::regtype <> ALL (p.proargtypes::oid[]) ORDER BY 4, 1
"""
# Reading a text as something else is a function too, which says what it could not read.
_READ_AS: Final = ("integer", "uuid", "date", "boolean", "jsonb")
_OWN_TABLES: Final = 40  # tables that each function of the platform's own is tried on


@dataclass(frozen=True, kw_only=True)
class Leakproof:
    """A function that PostgreSQL trusts; `own` when it is not PostgreSQL's."""

    name: str
    schema: str
    function: str
    own: bool
    arguments: tuple[str, ...]


def attacked(field: Field) -> Iterator[Judgement]:
    """Let each look at a column that holds canaries, for a row that is shown to nobody; then read texts as other types."""
    relations = [one for one in field.reachable if _texts(one) and (one.kind == "view" or (one.oid, field.pair[1]) in field.seeder.seeds)]
    if not relations:
        return
    tried: dict[str, list[Answer]] = defaultdict(list)
    for function in trusted(field):
        for relation in relations[:_OWN_TABLES] if function.own else relations[:1]:
            for statement in _asked(field, function, relation):
                tried[function.name].append(field.actors["direct"].act(Act(statement=statement, before=_BEFORE)))
    for kind in _READ_AS:
        tried[f"{kind} of a text"].append(field.actors["direct"].act(Act(statement=_read_as(relations[0], kind), before=_BEFORE)))
    yield judge(tried, foreign_canaries(field))


def judge(tried: dict[str, list[Answer]], canaries: tuple[str, ...]) -> Judgement:
    """FAIL with what has said a value of another tenant's; ERROR when nothing has looked at a row."""
    telling = sorted(name for name, answers in tried.items() if any(answer.shows(canary) for answer in answers for canary in canaries))
    looked = sum(answer.kind in {"ok", "zero rows"} for answers in tried.values() for answer in answers)
    if telling:
        outcome, reason = Outcome.FAIL, f"rows are shown to it before the policies take them away, and it says what it sees: {telling[0]}"
    elif not looked:
        outcome, reason = Outcome.ERROR, "no function that is said to leak nothing could be called on a row"
    else:
        outcome, reason = Outcome.PASS, f"{len(tried)} functions say nothing of rows that are another tenant's"
    return Judgement(
        subject="functions that are said to leak nothing",
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=telling,
        positive_control=f"{looked} questions were answered",
    )


def trusted(field: Field) -> list[Leakproof]:
    """Every such function that the application may call and that takes a text, the platform's own first."""
    rows = field.oracle.execute(_LEAKPROOF, {"login": field.login}).fetchall()
    known = [
        Leakproof(name=name, schema=schema, function=called, own=own, arguments=tuple(kinds)) for name, schema, called, own, kinds in rows
    ]
    return sorted((one for one in known if set(one.arguments) & TEXTS), key=lambda one: (not one.own, one.name))


def _asked(field: Field, function: Leakproof, relation: Relation) -> Iterator[sql.Composed]:
    """The function in a condition, each column that fits in each of its places; what else it takes is some value of the type."""
    giver = Giver(victims=field.victims()[:1], tenant=field.pair[1], lore=NOTHING)
    name = sql.Identifier(function.schema, function.function)
    for place, kind in enumerate(function.arguments):
        for column in _texts(relation)[:2] if kind in TEXTS else ():
            given = [_given(at == place, other, column, giver) for at, other in enumerate(function.arguments)]
            condition = sql.SQL("{}({}) IS NOT NULL").format(name, sql.SQL(", ").join(given))
            yield sql.SQL("SELECT count(*) FROM {} AS r WHERE ").format(named(relation)) + condition


def _given(is_here: bool, kind: str, column: Column, giver: Giver) -> sql.Composable:  # noqa: FBT001 - which of two things to give
    other = "x" if kind in TEXTS else arguments(kind, giver)[0].existing  # never what must not be shown
    value: sql.Composable = sql.Identifier("r", column.name) if is_here else sql.Literal(other)
    return sql.SQL("{}::{}").format(value, sql.SQL(kind))


def _read_as(relation: Relation, kind: str) -> sql.Composed:
    condition = sql.SQL("{}::{} IS NOT NULL").format(sql.Identifier("r", _texts(relation)[0].name), sql.SQL(kind))
    return sql.SQL("SELECT count(*) FROM {} AS r WHERE ").format(named(relation)) + condition


def _texts(relation: Relation) -> list[Any]:
    return [column for column in relation.columns if column.base in TEXTS and "SELECT" in column.granted and not column.labels]
