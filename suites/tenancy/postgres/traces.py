"""Non-interference: what a tenant can observe, whatever it is, does not change when another tenant writes.

Everything that can be read is read as the attacker, the catalogs and the server's own
functions too: twice with nothing done in between, and again after the victim has written.
What changes when nobody wrote is unsteady and tells nothing; what changes each time that
the victim writes, and only then, tells of the victim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat.clock import monotonic
from constat.judgement import coverage
from suites.tenancy.postgres import calling
from suites.tenancy.postgres.functions import callable_by, calls_of, is_only_support
from suites.tenancy.postgres.looks import first_look, judge_looks, look
from suites.tenancy.postgres.lore import lore_of
from suites.tenancy.postgres.numbers import drawn_numbers, judge_numbers, numbered_rows
from suites.tenancy.postgres.sessions import Act, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Judgement
    from constat.observe.functions import Function
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.looks import Look
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
CALLS: Final = 4  # of one function with arguments, watched
ARGUED: Final = 200  # functions with arguments, watched; how many more there are is said
SLOW: Final = 0.02  # seconds of a call that is not asked again with other values
QUIET: Final = 2  # looks without a write before each write
WRITES: Final = 2


def attacked(field: Field) -> Iterator[Judgement]:
    """Look, let the victim write, look again; then judge everything that was looked at."""
    with connect(field.database.app_dsn) as connection:
        attacker = type(field.actors["direct"])(connection, field.database.context_setting, field.mine)
        argued = argued_functions(field)
        everything = [*_watched(field), *_argued(field, attacker, argued[:ARGUED])]
        numbered = list(numbered_rows(field))
        first = first_look(attacker, everything)
        watched = [(name, statement) for name, statement in everything if not first[name].startswith("sqlstate")]
        looks: list[tuple[bool, Look]] = [(False, first)]
        drawn = [drawn_numbers(attacker, numbered)]
        written = 0
        for _ in range(WRITES):
            looks.append((False, look(attacker, watched)))
            drawn.append(drawn_numbers(attacker, numbered))
            written += field.seeder.plant_more(field.pair[1])
            looks.append((True, look(attacker, watched)))
            drawn.append(drawn_numbers(attacker, numbered))
    yield from judge_looks([name for name, _ in watched], looks, written, refused=len(everything) - len(watched))
    yield from judge_numbers([name for name, _ in numbered], drawn)
    if left_out := tuple(map(str, argued[ARGUED:])):
        yield coverage(ARGUED, len(argued), what="functions with arguments, watched while the other tenant writes", left_out=left_out)


def _watched(field: Field) -> Iterator[tuple[str, sql.Composed]]:
    for schema, name, columns in field.oracle.execute(_READABLE, {"login": field.login}).fetchall():
        row = sql.SQL("ROW({})").format(sql.SQL(", ").join(sql.Identifier("r", column) for column in columns))
        yield (
            f"{schema}.{name}",
            sql.SQL("SELECT count(*), sum(hashtextextended({}::text, 0)::numeric) FROM {} AS r").format(row, sql.Identifier(schema, name)),
        )
    for schema, name in field.oracle.execute(_ASKABLE, {"login": field.login}).fetchall():
        yield f"{schema}.{name}()", sql.SQL("SELECT md5(string_agg(f::text, ',')) FROM {}() AS f").format(sql.Identifier(schema, name))


def argued_functions(field: Field) -> list[Function]:
    """Functions that are asked with arguments; those of PostgreSQL's own and of a type's support tell nothing of rows."""
    return [one for one in callable_by(field) if one.arguments and one.kind != "procedure" and not is_only_support(one)]


def _argued(field: Field, attacker: Attacker, known: list[Function]) -> Iterator[tuple[str, sql.Composed]]:
    """Calls with arguments, a few of each function; a slow one (a password's hash) is called once."""
    lores = lore_of(field.oracle, known)
    for function in known:
        for place, call in enumerate(calls_of(field, function, lores[function.oid])[:CALLS]):
            asked = sql.SQL("SELECT md5(string_agg(q::text, ',')) FROM ({}) AS q").format(calling.statement(function, call.existing))
            start = monotonic()
            attacker.act(Act(statement=asked))
            yield f"{function}, call {place + 1}", asked
            if monotonic() - start > SLOW:
                break
