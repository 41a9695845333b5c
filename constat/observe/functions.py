"""What functions and procedures a login may call: from the catalogs, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import dict_row

from constat.errors import Unobservable

if TYPE_CHECKING:
    from psycopg import Connection

KINDS: Final = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"}
# Only the server calls these, when something happens to a table, a type or an index.
_UNCALLABLE: Final = frozenset(
    {"trigger", "event_trigger", "internal", "language_handler", "fdw_handler", "index_am_handler", "table_am_handler"}
)
_FUNCTIONS: Final = """
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS name, p.prokind::text AS kind, p.prosecdef AS definer,
       p.proowner::regrole::text AS owner, l.lanname AS language,
       coalesce((SELECT bool_or(setting LIKE 'search_path=%%') FROM unnest(p.proconfig) AS setting), false) AS pinned,
       array(SELECT format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL)
             FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, place)
             JOIN pg_type t ON t.oid = a.type ORDER BY a.place) AS arguments,
       p.provariadic <> 0 AS variadic,
       format_type(p.prorettype, NULL) AS returns,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS extension,
       has_schema_privilege(%(login)s, n.oid, 'USAGE') AND has_function_privilege(%(login)s, p.oid, 'EXECUTE') AS callable
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_temp%%' AND n.nspname NOT LIKE 'pg\\_toast%%'
ORDER BY 2, 3, 9
"""
# What PostgreSQL itself grants to nobody (`pg_init_privs` and the functions' own first grants), and the login may call all the same.
_BEYOND: Final = """
SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
WHERE has_function_privilege(%(login)s, p.oid, 'EXECUTE') AND NOT EXISTS (
    SELECT FROM aclexplode(i.initprivs) AS given WHERE given.grantee = 0 AND given.privilege_type = 'EXECUTE')
    AND has_schema_privilege(%(login)s, p.pronamespace, 'USAGE')
UNION ALL
SELECT c.oid::regclass::text
FROM pg_class c JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
WHERE c.relkind IN ('r', 'v') AND has_table_privilege(%(login)s, c.oid, 'SELECT') AND NOT EXISTS (
    SELECT FROM aclexplode(i.initprivs) AS given WHERE given.grantee = 0 AND given.privilege_type = 'SELECT')
ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function or procedure, and whether the login may call it.

    `arguments` are the base types of what is passed in; `pinned` says that it brings a search path of its own.
    """

    oid: int
    schema: str
    name: str
    kind: str
    definer: bool
    owner: str
    language: str
    pinned: bool
    arguments: tuple[str, ...]
    variadic: bool
    returns: str
    extension: bool
    callable: bool

    def __str__(self) -> str:
        """As people write it: schema.name(types)."""
        return f"{self.schema}.{self.name}({', '.join(self.arguments)})"

    @property
    def is_only_the_servers(self) -> bool:
        """Whether no statement can call it: a trigger's function, a handler."""
        return self.returns in _UNCALLABLE or "internal" in self.arguments


def functions(oracle: Connection[Any], login: str) -> tuple[Function, ...]:
    """Every function that is not PostgreSQL's own; raises Unobservable when the catalogs cannot be read."""
    rows = _rows(oracle, _FUNCTIONS, login)
    return tuple(Function(**row | {"kind": KINDS[row["kind"]], "arguments": tuple(row["arguments"])}) for row in rows)


def beyond_the_default(oracle: Connection[Any], login: str) -> tuple[str, ...]:
    """What PostgreSQL keeps from everybody at first, and the login can reach; raises Unobservable as above."""
    return tuple(str(row["name"]) for row in _rows(oracle, _BEYOND, login))


def _rows(oracle: Connection[Any], query: str, login: str) -> list[dict[str, Any]]:
    try:
        with oracle.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, {"login": login}).fetchall()
    except psycopg.Error as problem:
        msg = f"the catalogs cannot be read: {problem}"
        raise Unobservable(msg) from None
