"""What somebody makes tomorrow: whatever default privileges, or triggers on what is created, would open of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.field import Field

# Who makes things where the application is let in.
_MAKERS: Final = """
SELECT r.rolname::text, n.nspname::text FROM pg_roles r, pg_namespace n
WHERE r.rolname !~ '^(pg_|issued-)' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(r.oid, n.oid, 'CREATE') AND has_schema_privilege(%s, n.oid, 'USAGE') ORDER BY 2, 1
"""
_NAME: Final = "constat_tomorrow"
# A table without row level security, for nobody has thought of it yet.
_TABLE: Final = """
SELECT array_agg(p.word) FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(word)
WHERE c.oid = to_regclass(%(name)s) AND NOT c.relrowsecurity
    AND has_table_privilege(%(login)s, c.oid, p.word)
"""
# PostgreSQL lets everybody call a new function; that is a defect only where nobody may call those that are there.
_FUNCTION: Final = """
SELECT array_agg('EXECUTE'::text) FROM pg_proc p WHERE p.oid = to_regproc(%(name)s) AND has_function_privilege(%(login)s, p.oid, 'EXECUTE')
    AND (SELECT bool_and(NOT has_function_privilege('public', o.oid, 'EXECUTE'))
         FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace
         WHERE o.oid <> p.oid AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_')
"""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What one role has made in one schema for a moment, and what the application could do with it; or why it could not be made."""

    maker: str
    schema: str
    opened: dict[str, tuple[str, ...]]
    refusal: str = ""


def made(field: Field) -> Iterator[Judgement]:
    """Let everybody who makes things make a table and a function, look who may use them, and take them back."""
    for maker, schema in field.oracle.execute(_MAKERS, [field.login]).fetchall():
        yield judge(_made(field, str(maker), str(schema)))


def judge(seen: Made) -> Judgement:
    """FAIL where what is made is open at once; ERROR where it could not be made."""
    excess = [f"{' and '.join(words)} on a new {kind}" for kind, words in seen.opened.items() if words]
    outcome, reason = Outcome.PASS, "what is made there is closed until somebody grants it"
    if seen.refusal:
        outcome, reason = Outcome.ERROR, f"could not look: {seen.refusal}"
    elif excess:
        outcome = Outcome.FAIL
        reason = f"the application has {', '.join(excess)} before anybody has guarded it; revoke it from the default privileges"
    return Judgement(subject=f"made by {seen.maker} in schema {seen.schema}", outcome=outcome, reason=reason, expected=[], observed=excess)


def _made(field: Field, maker: str, schema: str) -> Made:
    """All of it in a transaction that is rolled back: nobody else ever sees it."""
    opened: dict[str, tuple[str, ...]] = {}
    try:
        with field.oracle.transaction(force_rollback=True):
            field.oracle.execute(sql.SQL("SET LOCAL lock_timeout = '2s'; SET LOCAL ROLE {}").format(sql.Identifier(maker)))
            for statement in _statements(schema, field.database.tenant_column):
                field.oracle.execute(statement)
            field.oracle.execute("RESET ROLE")
            names = {"login": field.login, "name": sql.Identifier(schema, _NAME).as_string()}
            opened = {"table": _words(field, _TABLE, names), "function": _words(field, _FUNCTION, names)}
    except psycopg.errors.DatabaseError as problem:
        return Made(maker=maker, schema=schema, opened={}, refusal=str(problem.diag.message_primary or problem))
    return Made(maker=maker, schema=schema, opened=opened)


def _words(field: Field, query: str, names: dict[str, Any]) -> tuple[str, ...]:
    row = field.oracle.execute(query, names).fetchone()
    return tuple(row[0] or ()) if row else ()


def _statements(schema: str, tenant_column: str) -> Iterator[sql.Composed]:
    name = sql.Identifier(schema, _NAME)
    yield sql.SQL("CREATE TABLE {} ({} uuid, note text)").format(name, sql.Identifier(tenant_column))
    yield sql.SQL("CREATE FUNCTION {}() RETURNS int LANGUAGE sql AS 'SELECT 1'").format(name)
