"""Facts of the database servers and the pooler: versions, roles and what each may do, databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from constat import deadlines
from constat.errors import Unobservable
from constat.observe.replication import node_dsn

if TYPE_CHECKING:
    from constat.stack import Postgres, PostgresNode

# Membership in both of PostgreSQL's senses: rights that come by themselves, and roles that can be taken by SET ROLE.
_ROLES: Final = """
WITH RECURSIVE reached AS (
    SELECT member, roleid FROM pg_auth_members
    UNION SELECT reached.member, further.roleid FROM reached JOIN pg_auth_members AS further ON further.member = reached.roleid
)
SELECT rolname AS name, rolcanlogin AS can_login,
       array_remove(ARRAY[
           CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END
       ], NULL) AS attributes,
       CASE WHEN isfinite(rolvaliduntil) THEN EXTRACT(EPOCH FROM rolvaliduntil - now())::float8 END AS seconds_left,
       ARRAY(SELECT pg_get_userbyid(roleid)::text FROM reached WHERE member = pg_roles.oid) AS member_of,
       EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = pg_roles.oid AND deptype = 'o') AS owns
FROM pg_roles ORDER BY rolname
"""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the cluster: a login, a group, or one of PostgreSQL's own.

    `seconds_left` is None for a login that never expires.
    """

    name: str
    can_login: bool
    attributes: frozenset[str]
    seconds_left: float | None
    member_of: frozenset[str]
    owns: bool  # anything at all, in whichever database

    @property
    def is_built_in(self) -> bool:
        """Whether it came with the server: PostgreSQL keeps the prefix for itself."""
        return self.name.startswith("pg_")


def version(postgres: Postgres, node: PostgresNode) -> str:
    """The version that one server runs."""
    return str(_ask(node_dsn(postgres, node), "SHOW server_version", who=node.name)[0]["server_version"]).split()[0]


def pooler_version(postgres: Postgres) -> str:
    """The version of the pooler, by its own console."""
    return str(_ask(postgres.pooler_admin_dsn, "SHOW VERSION", who="the pooler's console")[0]["version"]).split()[-1]


def schema_version(postgres: Postgres) -> str:
    """The newest migration that was applied."""
    return str(_ask(postgres.admin_dsn, "SELECT max(version) AS version FROM schema_migrations", who="the schema")[0]["version"])


def roles(postgres: Postgres) -> tuple[Role, ...]:
    """Every role of the cluster."""
    rows = _ask(postgres.admin_dsn, _ROLES, who="the primary")
    return tuple(Role(**row | {"attributes": frozenset(row["attributes"]), "member_of": frozenset(row["member_of"])}) for row in rows)


def databases(postgres: Postgres) -> tuple[str, ...]:
    """Every database that can be entered at all."""
    rows = _ask(postgres.admin_dsn, "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1", who="the primary")
    return tuple(str(row["datname"]) for row in rows)


def _ask(dsn: str, statement: str, *, who: str) -> list[dict[str, Any]]:
    """What the server answers; Unobservable when it does not, or with nothing."""
    waiting = make_conninfo(dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
    try:
        with psycopg.connect(waiting, autocommit=True, prepare_threshold=None, row_factory=dict_row) as connection:
            # The statements are constants of this module; the pooler's console knows no others.
            found = connection.execute(statement).fetchall()
    except psycopg.Error as problem:
        msg = f"{who} does not answer: {str(problem).strip()}"
        raise Unobservable(msg) from None
    if not found:
        msg = f"{who} answers {statement!r} with nothing"
        raise Unobservable(msg)
    return list(found)
