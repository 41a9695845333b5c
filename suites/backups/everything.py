"""Everything that a database is made of, as digests: every relation's rows, roles, rights, rules and code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from constat.attempt import clip
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import Connection

_RELATIONS: Final = """
SELECT n.nspname, c.relname, c.relkind, c.relpersistence FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"""
_ROWS: Final = """
SELECT count(*) || ' ' || coalesce(md5(string_agg(row, '' ORDER BY row)), '') FROM (SELECT md5(r::text) AS row FROM {} AS r) AS rows"""
# What is beside the rows: kind → one line a thing; the same cluster gives the same lines.
_CATALOGS: Final = {
    "roles": "SELECT concat_ws(' ', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,"
    " rolconnlimit, md5(rolpassword), rolvaliduntil) FROM pg_authid WHERE rolname !~ '^pg_'",
    "members": "SELECT concat_ws(' ', roleid::regrole, member::regrole, admin_option) FROM pg_auth_members",
    "settings": "SELECT concat_ws(' ', setdatabase, setrole::regrole, setconfig) FROM pg_db_role_setting",
    "row level security": "SELECT concat_ws(' ', oid::regclass, relrowsecurity, relforcerowsecurity, relowner::regrole, relacl)"
    " FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'",
    "policies": "SELECT p::text FROM pg_policies AS p",
    "functions": "SELECT concat_ws(' ', oid::regprocedure, proowner::regrole, prosecdef, proconfig, proacl, md5(prosrc)) FROM pg_proc"
    " WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'",
    "triggers": "SELECT concat_ws(' ', tgrelid::regclass, tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal",
    "constraints": "SELECT concat_ws(' ', conrelid::regclass, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint"
    " WHERE conrelid <> 0",
    "indexes": "SELECT concat_ws(' ', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid)) FROM pg_index"
    " WHERE indrelid::regclass::text !~ '^pg_'",
    "extensions": "SELECT concat_ws(' ', extname, extversion) FROM pg_extension",
}
_UNLOGGED: Final = "u"


@dataclass(frozen=True, kw_only=True)
class Everything:
    """Relations by name with the number and the digest of their rows, catalogs by kind, and what no backup holds."""

    relations: Mapping[str, str]
    catalogs: Mapping[str, frozenset[str]]
    unlogged: tuple[str, ...]


def everything(dsn: str) -> Everything:
    """Read it in one snapshot with full rights; Unobservable when a relation cannot be read to its end."""
    try:
        with psycopg.connect(dsn) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            found = connection.execute(_RELATIONS).fetchall()
            return Everything(
                relations={f"{schema}.{name}": _content(connection, schema, name, kind) for schema, name, kind, _ in found},
                catalogs={kind: _lines(connection, query) for kind, query in _CATALOGS.items()},
                unlogged=tuple(f"{schema}.{name}" for schema, name, _, persistence in found if persistence == _UNLOGGED),
            )
    except psycopg.Error as problem:
        msg = f"the database cannot be read to its end: {str(problem).strip()}"
        raise Unobservable(msg) from None


def judge(before: Everything, after: Everything, restored: Everything) -> Iterable[Judgement]:
    """Compare what was restored with what was there just before and just after the moment; a pure function.

    What changed between the two was changed by somebody else meanwhile, and is left out by name.
    """
    yield _judged("every relation", before.relations, after.relations, restored.relations)
    catalogs = [{kind: "\n".join(sorted(lines)) for kind, lines in one.catalogs.items()} for one in (before, after, restored)]
    yield _judged("roles, rights and code", *catalogs)
    outcome = Outcome.FAIL if before.unlogged else Outcome.PASS
    reason = f"no backup holds {', '.join(before.unlogged)}: unlogged" if before.unlogged else "every relation is logged"
    yield Judgement(subject="relations that no backup holds", outcome=outcome, reason=reason, expected=[], observed=list(before.unlogged))


def _judged(subject: str, before: Mapping[str, str], after: Mapping[str, str], restored: Mapping[str, str]) -> Judgement:
    steady = {name for name, content in before.items() if after.get(name) == content}
    wrong = sorted(name for name in steady if restored.get(name) != before[name]) + sorted(set(restored) - set(before) - set(after))
    moved = sorted(set(before) - steady)
    outcome = Outcome.FAIL if wrong else Outcome.PASS if steady else Outcome.ERROR
    reason = f"not as they were: {clip(', '.join(wrong))}" if wrong else f"{len(steady)} are as they were"
    left_out = f"; {len(moved)} changed meanwhile and are not compared: {clip(', '.join(moved))}" if moved else ""
    return Judgement(subject=subject, outcome=outcome, reason=reason + left_out, expected=[], observed=wrong)


def _content(connection: Connection[tuple[str, ...]], schema: str, name: str, kind: str) -> str:
    if kind == "S":  # its numbers may run ahead of what was used
        return "sequence"
    row = connection.execute(sql.SQL(_ROWS).format(sql.Identifier(schema, name))).fetchone()
    return str(row[0]) if row else ""


def _lines(connection: Connection[tuple[str, ...]], query: str) -> frozenset[str]:
    return frozenset(str(row[0]) for row in connection.execute(query.encode()).fetchall())
