"""What the database is like, as a fingerprint: its rules and rights, and every row of the attack's tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import WRITABLE, identifier, named

if TYPE_CHECKING:
    from psycopg import Connection

    from constat.observe.relations import Relation

Fingerprint: TypeAlias = dict[str, str]
_TOGETHER: Final = 50
_RULES: Final = """
SELECT 'relations',
    md5(string_agg(concat_ws(' ', oid, relkind, relowner, relacl, relrowsecurity, relforcerowsecurity, reloptions), ',' ORDER BY oid))
FROM pg_class WHERE relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_')
UNION ALL SELECT 'policies', md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_policy p
UNION ALL SELECT 'functions', md5(string_agg(concat_ws(' ', oid, proowner, proacl, prosecdef, md5(prosrc)), ',' ORDER BY oid)) FROM pg_proc
UNION ALL SELECT 'triggers', md5(string_agg(concat_ws(' ', oid, tgenabled), ',' ORDER BY oid)) FROM pg_trigger
UNION ALL SELECT 'roles', md5(string_agg(r::text, ',' ORDER BY rolname)) FROM pg_roles r WHERE rolname !~ '^issued-'
UNION ALL SELECT 'settings', md5(string_agg(s::text, ',' ORDER BY s::text)) FROM pg_db_role_setting s WHERE setrole = 0
UNION ALL SELECT 'schemas', md5(string_agg(n::text, ',' ORDER BY oid)) FROM pg_namespace n WHERE nspname !~ '^pg_'
UNION ALL SELECT 'large objects', md5(string_agg(l::text, ',' ORDER BY oid)) FROM pg_largeobject_metadata l
UNION ALL SELECT 'slots', md5(string_agg(slot_name, ',' ORDER BY slot_name)) FROM pg_replication_slots WHERE slot_name ~ '^constat'
"""


def fingerprint(oracle: Connection[Any], known: tuple[Relation, ...], tenant_column: str, organizations: list[str]) -> Fingerprint:
    """Rules and rights of the whole database, and the rows of the organizations in every table; by what it is about."""
    found: Fingerprint = {str(what): str(digest) for what, digest in oracle.execute(_RULES).fetchall()}
    tables = [r for r in known if r.kind in WRITABLE and not r.is_partition]
    for start in range(0, len(tables), _TOGETHER):
        parts = [_rows(relation, tenant_column, organizations) for relation in tables[start : start + _TOGETHER]]
        found |= {f"rows of {what}": str(digest) for what, digest in oracle.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()}
    return found


def _rows(relation: Relation, tenant_column: str, organizations: list[str]) -> sql.Composed:
    digest = sql.SQL("SELECT {}, md5(string_agg(r::text, ',' ORDER BY r::text)) FROM {} AS r").format(str(relation), named(relation))
    if relation.has(tenant_column):
        digest += sql.SQL(" WHERE r.{}::text = ANY ({})").format(identifier(tenant_column), organizations)
    return digest


def judge_as_found(before: Fingerprint, after: Fingerprint) -> Judgement:
    """FAIL for whatever is not as it was; ERROR when nothing was looked at."""
    different = sorted(what for what in before.keys() | after.keys() if before.get(what) != after.get(what))
    outcome = Outcome.ERROR if not before else Outcome.FAIL if different else Outcome.PASS
    return Judgement(
        subject="the database",
        outcome=outcome,
        reason=f"not as it was: {', '.join(different[:8])}" if different else f"{len(before)} fingerprints are as they were",
        expected=[],
        observed=different,
    )
