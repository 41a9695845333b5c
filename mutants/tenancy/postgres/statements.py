"""A mutant that is a few SQL statements: how it is planted, seen and undone through the oracle's login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.outcome import Outcome

if TYPE_CHECKING:
    from constat.stack import Stack

# Everything that a statement of this kind can change: relations, policies, rights, functions, roles, settings.
_FINGERPRINT: Final = """
SELECT 'relation', c.oid::regclass::text, c.relkind::text, c.relrowsecurity::text, c.relforcerowsecurity::text,
       coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))::text,
       c.reloptions::text, c.relowner::regrole::text, md5(coalesce(pg_get_viewdef(c.oid), ''))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'policy', polrelid::regclass::text, polname, polcmd::text, polpermissive::text, polroles::text,
       pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), NULL FROM pg_policy
UNION ALL SELECT 'function', p.oid::regprocedure::text, p.prosecdef::text, p.proacl::text, md5(p.prosrc), p.proconfig::text,
       NULL, NULL, NULL
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'role', rolname, rolsuper::text, rolbypassrls::text, rolinherit::text, rolcreaterole::text, rolconfig::text, NULL, NULL
FROM pg_roles WHERE rolname !~ '^issued-'
UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text, admin_option::text, NULL, NULL, NULL, NULL, NULL
FROM pg_auth_members WHERE member::regrole::text !~ '^"?issued-'
UNION ALL SELECT 'column', a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, a.attacl::text,
       (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), NULL, NULL
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL, NULL, NULL
FROM pg_constraint WHERE conrelid <> 0
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), NULL, NULL, NULL, NULL, NULL
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'index', indexname, indexdef, NULL, NULL, NULL, NULL, NULL, NULL FROM pg_indexes WHERE schemaname !~ '^pg_'
UNION ALL SELECT 'schema', nspname, nspacl::text, nspowner::regrole::text, NULL, NULL, NULL, NULL, NULL
FROM pg_namespace WHERE nspname !~ '^pg_t'
UNION ALL SELECT 'database', datname, datacl::text, datdba::regrole::text, NULL, NULL, NULL, NULL, NULL FROM pg_database
UNION ALL SELECT 'statistics', stxname, stxrelid::regclass::text, NULL, NULL, NULL, NULL, NULL, NULL FROM pg_statistic_ext
UNION ALL SELECT 'system function', p.oid::regprocedure::text, p.proacl::text, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
UNION ALL SELECT 'system relation', c.oid::regclass::text, c.relacl::text, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
UNION ALL SELECT 'trusted', oid::regprocedure::text, procost::text, NULL, NULL, NULL, NULL, NULL, NULL FROM pg_proc WHERE proleakproof
UNION ALL SELECT 'setting', setdatabase::text, setrole::text, setconfig::text, NULL, NULL, NULL, NULL, NULL FROM pg_db_role_setting
UNION ALL SELECT 'default', defaclrole::regrole::text, defaclnamespace::text, defaclobjtype::text, defaclacl::text, NULL, NULL, NULL, NULL
FROM pg_default_acl ORDER BY 1, 2, 3, 4, 5
"""


def mutant(
    mutant_id: str, title: str, *, plant: str, revert: str, holds: str, controls: tuple[str, ...], expects: Outcome = Outcome.FAIL
) -> Mutant:
    """Make a mutant of SQL: `holds` is a query that answers true while the defect, or the harmless change, is there."""

    def planted(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        _execute(stack, plant)

    def confirmed(stack: Stack, state: State) -> bool:
        del state  # nothing is needed to see it
        return _ask(stack, holds) == [(True,)]

    def reverted(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        _execute(stack, revert)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.DATABASE,
        controls=controls,
        expects=expects,
        plant=planted,
        confirm=confirmed,
        revert=reverted,
        fingerprint=fingerprint,
    )


def fingerprint(stack: Stack) -> str:
    """Everything about the database's rules and rights, as text."""
    return "\n".join(map(repr, _ask(stack, _FINGERPRINT)))


def _execute(stack: Stack, statements: str) -> None:
    with _oracle(stack) as connection:
        connection.execute(statements)


def _ask(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with _oracle(stack) as connection:
        found: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return found


def _oracle(stack: Stack) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(needed(stack.postgres, "database to plant anything in").admin_dsn)
