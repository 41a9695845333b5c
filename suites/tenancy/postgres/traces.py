"""Non-interference: what a tenant can observe, whatever it is, does not change when another tenant writes.

Everything that can be read is read as the attacker, the catalogs and the server's own
functions too: twice with nothing done in between, and again after the victim has written.
What changes when nobody wrote is unsteady and tells nothing; what changes each time that
the victim writes, and only then, tells of the victim.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.sessions import Act, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from constat.attempt import Answer
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.sessions import Attacker

# Readable columns of every relation, and sequences; the oracle knows what the login may read.
# Left out, because slow: the information schema, which says again what the catalogs say, and the time zones, which are files.
_READABLE: Final = """
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_(toast|temp)'
    AND n.nspname <> 'information_schema' AND c.relname !~ '^pg_timezone' AND has_schema_privilege(%(login)s, n.oid, 'USAGE')
    AND has_column_privilege(%(login)s, c.oid, a.attnum, 'SELECT')
GROUP BY 1, 2 ORDER BY 1, 2
"""
# Functions without arguments that everybody may call from the start; others are found as grants beyond the default.
_ASKABLE: Final = """
SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.pronargs = 0 AND p.prokind = 'f' AND has_schema_privilege(%(login)s, n.oid, 'USAGE')
    AND has_function_privilege(%(login)s, p.oid, 'EXECUTE') AND p.provolatile <> 'i'
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
    AND p.proname !~ '^(pg_sleep|pg_advisory|lo_|pg_timezone)' ORDER BY 1, 2
"""
QUIET: Final = 2  # looks without a write before each write
WRITES: Final = 2

Look: TypeAlias = dict[str, str]
Watched: TypeAlias = list[tuple[str, sql.Composed]]


def attacked(field: Field) -> Iterator[Judgement]:
    """Look, let the victim write, look again; then judge everything that was looked at."""
    with connect(field.database.app_dsn) as connection:
        attacker = type(field.actors["direct"])(connection, field.database.context_setting, field.mine)
        everything = list(_watched(field))
        first = _first_look(attacker, everything)
        watched = [(name, statement) for name, statement in everything if not first[name].startswith("sqlstate")]
        looks: list[tuple[bool, Look]] = [(False, first)]
        written = 0
        for _ in range(WRITES):
            looks.append((False, _look(attacker, watched)))
            written += field.seeder.plant_more(field.pair[1])
            looks.append((True, _look(attacker, watched)))
    yield from judge_looks([name for name, _ in watched], looks, written, refused=len(everything) - len(watched))


def judge_looks(names: list[str], looks: list[tuple[bool, Look]], written: int, *, refused: int = 0) -> Iterator[Judgement]:
    """FAIL for what changed at each of the victim's writes and never otherwise; each look says whether the victim wrote before it."""
    steps = [(wrote, before, after) for (_, before), (wrote, after) in itertools.pairwise(looks)]
    telling, unsteady = [], []
    for name in names:
        by_write = [before.get(name) != after.get(name) for wrote, before, after in steps if wrote]
        by_itself = [before.get(name) != after.get(name) for wrote, before, after in steps if not wrote]
        if all(by_write) and not any(by_itself):
            telling.append(name)
        elif any(by_itself):
            unsteady.append(name)
    for name in telling:
        yield Judgement(
            subject=name,
            outcome=Outcome.FAIL,
            reason="it changes each time that the other tenant writes, and never otherwise",
            expected="unchanged",
            observed="changed",
        )
    yield _summary(names, telling, unsteady, written=written, refused=refused)


def _summary(names: list[str], telling: list[str], unsteady: list[str], *, written: int, refused: int) -> Judgement:
    """ERROR when the victim wrote nothing or the attacker saw nothing: then nothing was shown to be untouched."""
    proven = bool(written) and bool(names)
    return Judgement(
        subject="what can be observed",
        outcome=Outcome.PASS if proven else Outcome.ERROR,
        reason=f"{len(names)} things answered, {refused} refused; {len(telling)} tell of another, {len(unsteady)} change by themselves"
        + (f" ({', '.join(unsteady[:12])})" if unsteady else ""),
        expected=[],
        observed=telling,
        positive_control=f"the other tenant wrote {written} rows between the looks",
    )


def _watched(field: Field) -> Iterator[tuple[str, sql.Composed]]:
    for schema, name, columns in field.oracle.execute(_READABLE, {"login": field.login}).fetchall():
        row = sql.SQL("ROW({})").format(sql.SQL(", ").join(sql.Identifier("r", column) for column in columns))
        yield (
            f"{schema}.{name}",
            sql.SQL("SELECT count(*), sum(hashtextextended({}::text, 0)::numeric) FROM {} AS r").format(row, sql.Identifier(schema, name)),
        )
    for schema, name in field.oracle.execute(_ASKABLE, {"login": field.login}).fetchall():
        yield f"{schema}.{name}()", sql.SQL("SELECT md5(string_agg(f::text, ',')) FROM {}() AS f").format(sql.Identifier(schema, name))


def _first_look(attacker: Attacker, watched: Watched) -> Look:
    """Each alone: what is refused now is not asked again."""
    return {name: _said(attacker.act(Act(statement=statement))) for name, statement in watched}


def _said(answer: Answer) -> str:
    return f"{answer.kind} {answer.shown}"


def _look(attacker: Attacker, watched: Watched) -> Look:
    answers = attacker.acts([Act(statement=statement) for _, statement in watched], alike=frozenset({"ok"}))
    return {name: _said(answer) for (name, _), answer in zip(watched, answers, strict=True)}


def notified(field: Field) -> Iterator[Judgement]:
    """Listen on every channel that a function may be using while the victim writes."""
    with connect(field.database.app_dsn) as listener:
        channels = _channels(field.oracle)
        for channel in channels:
            listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        field.seeder.plant_more(field.pair[1])
        # One's own message comes last: whatever was sent before it has arrived with it.
        field.oracle.execute("SELECT pg_notify(%s, %s)", [channels[0], "constat"])
        heard: list[Any] = []
        for message in listener.notifies(timeout=5):
            if message.payload == "constat":
                break
            heard.append(message)
        else:
            yield Judgement(subject="messages", outcome=Outcome.ERROR, reason="not even the oracle's own message arrived")
            return
    found = sorted({message.channel for message in heard})
    yield Judgement(
        subject="messages",
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason=f"the other tenant's writes are announced to every listener on {', '.join(found)}"
        if found
        else "nobody announces what is written",
        expected=[],
        observed=found,
        positive_control=f"the oracle's own message arrived; {len(channels)} channels were listened to",
    )


def _channels(oracle: Connection[Any]) -> list[str]:
    """Every literal in a function's body could name a channel, and every relation's name."""
    rows = oracle.execute(
        "SELECT DISTINCT m[1] FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
        " regexp_matches(p.prosrc, '''([A-Za-z0-9_.:-]{1,60})''', 'g') AS m"
        " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
        " UNION SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'"
        " UNION SELECT m[1] FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
        " regexp_matches(lower(p.prosrc), 'notify +([a-z0-9_]{1,60})', 'g') AS m"
        " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    return ["constat", *sorted(str(row[0]) for row in rows)]
