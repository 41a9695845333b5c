"""What arbitrary SQL in the application's login would reach: the blast radius, each part accepted by the target or a defect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.seeds import Seed


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that injected SQL could do, under the word by which a target accepts it; `reached` says what came of it, or nothing."""

    word: str
    what: str
    reached: Callable[[Field], str]


def attacked(field: Field) -> Iterator[Judgement]:
    """Try every part, then state the whole."""
    seen = [(part, part.reached(field)) for part in PARTS]
    for part, reached in seen:
        yield judge_part(part.word, part.what, reached, field.target.isolation.accepts.get(part.word))
    words = [part.word for part, reached in seen if reached]
    yield Judgement(
        subject="blast radius",
        outcome=Outcome.PASS,
        reason=f"arbitrary SQL as {field.login!r} reaches {', '.join(words) or 'nothing'} of {len(seen)} things tried",
        expected=sorted(field.target.isolation.accepts),
        observed=words,
    )


def judge_part(word: str, what: str, reached: str, accepted: str | None) -> Judgement:
    """FAIL for what is reached and that nobody has accepted."""
    if not reached:
        outcome, reason = Outcome.PASS, f"not reached: {what}"
    elif accepted is None:
        outcome, reason = Outcome.FAIL, f"{what}: {reached}; nobody has accepted it in [isolation.accepts] as {word!r}"
    else:
        outcome, reason = Outcome.PASS, f"{what}: {reached}; accepted, because {accepted}"
    return Judgement(subject=word, outcome=outcome, reason=reason, expected="accepted" if accepted else "", observed=reached)


def _victim(field: Field) -> tuple[Relation, Seed] | None:
    """A relation that the application can read, and the victim's row in it."""
    by_oid = {seed.relation.oid: seed for seed in field.victims()}
    return next(((r, by_oid[r.oid]) for r in field.reachable if r.oid in by_oid and "SELECT" in r.privileges), None)


def _context(field: Field) -> str:
    if (found := _victim(field)) is None:
        return ""
    relation, seed = found
    columns = sql.SQL(", ").join(map(sql.Identifier, relation.readable))
    reading = sql.SQL("SELECT {} FROM {} AS r WHERE position({} in ROW({})::text) > 0").format(
        columns, named(relation), seed.canary, columns
    )
    answer = field.actors["victim"].act(Act(statement=reading))
    return f"the login sets the context itself, and reads {relation}" if answer.shows(seed.canary) else ""


def _estimates(field: Field) -> str:
    """Whether the planner expects another number of rows for a value that only the victim has often."""
    if (found := _victim(field)) is None:
        return ""
    relation, _ = found
    attacker = field.actors["direct"]
    for column in (name for name in relation.readable if name != field.database.tenant_column):
        common = sql.SQL("EXPLAIN SELECT 1 FROM {} WHERE {}::text = {}")
        plans = {
            attacker.act(Act(statement=common.format(named(relation), sql.Identifier(column), value))).kind for value in ("x", "constat")
        }
        if plans == {"ok"}:
            return f"EXPLAIN of {relation} is answered from statistics of all tenants' rows"
    return ""


def _lockable(field: Field) -> str:
    locked = [
        str(relation)
        for relation in field.reachable
        if relation.kind in WRITABLE and relation.privileges & {"UPDATE", "DELETE", "TRUNCATE"} and _locks(field, relation)
    ]
    return f"{len(locked)} tables can be locked against everybody" if locked else ""


def _locks(field: Field, relation: Relation) -> bool:
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE NOWAIT").format(named(relation))
    return field.actors["direct"].act(Act(statement=lock, telling=True)).kind in {"ok", "sqlstate 55P03"}


def _settable(statement: str, said: str) -> Callable[[Field], str]:
    """A statement about the login itself that is rolled back."""

    def reached(field: Field) -> str:
        text = statement.format(login=sql.Identifier(field.login).as_string(), setting=field.database.context_setting, theirs=field.theirs)
        act = Act(statement=sql.SQL(text).format(), telling=True)
        return said if field.actors["direct"].act(act).kind == "ok" else ""

    return reached


PARTS = (
    Part(word="context.settable", what="the context is a setting", reached=_context),
    Part(word="planner.estimates", what="the planner's estimates", reached=_estimates),
    Part(word="tables.lockable", what="LOCK TABLE", reached=_lockable),
    Part(
        word="login.defaults",
        what="ALTER ROLE of the login itself",
        reached=_settable("ALTER ROLE {login} SET {setting} = '{theirs}'", "the login can store a context for all of its later sessions"),
    ),
    Part(
        word="login.password",
        what="ALTER ROLE of the login itself",
        reached=_settable("ALTER ROLE {login} PASSWORD NULL", "the login can lock every service out by another password"),
    ),
    Part(
        word="limits.liftable",
        what="limits of what a statement costs",
        reached=_settable("SET LOCAL statement_timeout = 0", "a statement can lift its own limits"),
    ),
    Part(word="channels.shared", what="LISTEN", reached=_settable("LISTEN constat", "channels are the whole database's")),
    Part(
        word="programs.inline",
        what="DO",
        reached=_settable("DO 'BEGIN END'", "programs can be run in the server without creating a function"),
    ),
)
