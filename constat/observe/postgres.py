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

# Beyond a fresh cluster's rights (pg_init_privs): what reads files, runs programs, shows verifiers, reaches other servers.
# What a function of a superuser does is the power of whoever may call it, as is to pass a role on.
# Membership in both of PostgreSQL's senses: rights that come by themselves, and roles that can be taken by SET ROLE.
_ROLES: Final = """
WITH RECURSIVE reached AS (
    SELECT member, roleid FROM pg_auth_members
    UNION SELECT reached.member, further.roleid FROM reached JOIN pg_auth_members AS further ON further.member = reached.roleid
), guarded AS (
    SELECT proname::text AS what, coalesce(proacl, acldefault('f', proowner)) AS acl,
           coalesce(initprivs, acldefault('f', proowner)) AS initial
    FROM pg_proc LEFT JOIN pg_init_privs ON objoid = pg_proc.oid AND classoid = 'pg_proc'::regclass AND objsubid = 0
    WHERE pronamespace = 'pg_catalog'::regnamespace
    UNION ALL SELECT relname::text, coalesce(relacl, acldefault('r', relowner)), coalesce(initprivs, acldefault('r', relowner))
    FROM pg_class LEFT JOIN pg_init_privs ON objoid = pg_class.oid AND classoid = 'pg_class'::regclass AND objsubid = 0
    WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
    UNION ALL SELECT extname || '.' || proname, coalesce(proacl, acldefault('f', proowner)), acldefault('r', proowner)
    FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND pg_depend.classid = 'pg_proc'::regclass AND deptype = 'e'
         JOIN pg_extension ON pg_extension.oid = refobjid WHERE extname IN ('dblink', 'adminpack', 'pageinspect', 'pg_walinspect')
    UNION ALL SELECT proname::text, coalesce(proacl, acldefault('f', proowner)), acldefault('r', proowner)
    FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')
    UNION ALL SELECT lanname::text, coalesce(lanacl, acldefault('l', lanowner)), acldefault('r', lanowner)
    FROM pg_language WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')
    UNION ALL SELECT 'foreign server ' || srvname, coalesce(srvacl, acldefault('S', srvowner)), acldefault('S', srvowner)
    FROM pg_foreign_server
    UNION ALL SELECT 'parameter ' || parname, paracl, acldefault('p', 10) FROM pg_parameter_acl
), granted AS (
    SELECT what, grantee FROM guarded CROSS JOIN LATERAL (
        SELECT grantee, privilege_type FROM aclexplode(acl) EXCEPT SELECT grantee, privilege_type FROM aclexplode(initial)
    ) AS further
    WHERE NOT EXISTS (SELECT FROM aclexplode(initial) AS given WHERE given.grantee = 0)
    UNION ALL SELECT 'database ' || datname, grantee
    FROM pg_database CROSS JOIN LATERAL aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE datallowconn AND privilege_type = 'CONNECT' AND grantee <> datdba
    UNION ALL SELECT proname || ' as ' || owner.rolname, grantee
    FROM pg_proc JOIN pg_roles AS owner ON owner.oid = proowner CROSS JOIN LATERAL aclexplode(coalesce(proacl, acldefault('f', proowner)))
    WHERE prosecdef AND owner.rolsuper AND grantee <> proowner
    UNION ALL SELECT 'granting ' || roleid::regrole, member FROM pg_auth_members WHERE admin_option
)
SELECT rolname AS name, rolcanlogin AS can_login,
       array_remove(ARRAY[
           CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END
       ], NULL) AS attributes,
       CASE WHEN isfinite(rolvaliduntil) THEN EXTRACT(EPOCH FROM rolvaliduntil - now())::float8 END AS seconds_left,
       ARRAY(SELECT pg_get_userbyid(roleid)::text FROM reached WHERE member = pg_roles.oid) AS member_of,
       ARRAY(SELECT what FROM granted WHERE grantee = 0 OR grantee = pg_roles.oid
             OR grantee IN (SELECT roleid FROM reached WHERE member = pg_roles.oid)) AS extras,
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
    extras: frozenset[str] = frozenset()  # functions, catalogs and the like that a fresh cluster keeps from everybody

    @property
    def is_built_in(self) -> bool:
        """Whether it came with the server: PostgreSQL keeps the prefix for itself."""
        return self.name.startswith("pg_")


def version(postgres: Postgres, node: PostgresNode) -> str:
    """The version that one server runs."""
    return str(ask(node_dsn(postgres, node), "SHOW server_version", who=node.name)[0]["server_version"]).split()[0]


def pooler_version(postgres: Postgres) -> str:
    """The version of the pooler, by its own console."""
    return str(ask(postgres.pooler_admin_dsn, "SHOW VERSION", who="the pooler's console")[0]["version"]).split()[-1]


def schema_version(postgres: Postgres) -> str:
    """The newest migration that was applied."""
    return str(ask(postgres.admin_dsn, "SELECT max(version) AS version FROM schema_migrations", who="the schema")[0]["version"])


def roles(postgres: Postgres) -> tuple[Role, ...]:
    """Every role of the cluster; its rights on functions and catalogs are those of all databases, which each has its own of."""
    found: dict[str, Role] = {}
    for database in databases(postgres):
        for row in ask(make_conninfo(postgres.admin_dsn, dbname=database), _ROLES, who=f"database {database!r} of the primary"):
            before = found[row["name"]].extras if row["name"] in found else frozenset()
            sets = {part: frozenset(row[part]) for part in ("attributes", "member_of", "extras")}
            sets["extras"] -= {f"database {postgres.database}"}
            found[row["name"]] = Role(**row | sets | {"extras": sets["extras"] | before})
    return tuple(found.values())


def logins(postgres: Postgres) -> tuple[str, ...]:
    """Every name that can log in."""
    rows = ask(postgres.admin_dsn, "SELECT rolname FROM pg_roles WHERE rolcanlogin ORDER BY 1", who="the primary")
    return tuple(str(row["rolname"]) for row in rows)


def databases(postgres: Postgres) -> tuple[str, ...]:
    """Every database that can be entered at all."""
    rows = ask(postgres.admin_dsn, "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1", who="the primary")
    return tuple(str(row["datname"]) for row in rows)


def pooler_users(postgres: Postgres) -> frozenset[str]:
    """Everybody whom the pooler knows by itself, and everybody whom its configuration lets into the console."""
    listed = {str(row["name"]) for row in ask(postgres.pooler_admin_dsn, "SHOW USERS", who="the pooler's console")}
    settings = {str(row["key"]): str(row["value"]) for row in ask(postgres.pooler_admin_dsn, "SHOW CONFIG", who="the pooler's console")}
    console = {name.strip() for key in ("admin_users", "stats_users") for name in settings.get(key, "").split(",")}
    return frozenset(listed | console) - {""}


def accounts(postgres: Postgres) -> frozenset[str]:
    """Everybody who can sign in at the platform's own service."""
    rows = ask(postgres.admin_dsn, "SELECT user_name FROM authentication.accounts", who="the accounts")
    return frozenset(str(row["user_name"]) for row in rows)


def ask(dsn: str, statement: str, *, who: str, may_be_none: bool = False) -> list[dict[str, Any]]:
    """What the server answers; Unobservable when it does not, or with nothing where there must be something."""
    waiting = make_conninfo(dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
    try:
        with psycopg.connect(waiting, autocommit=True, prepare_threshold=None, row_factory=dict_row) as connection:
            # The statements are constants of observers; the pooler's console knows no others.
            found = connection.execute(statement).fetchall()
    except psycopg.Error as problem:
        msg = f"{who} does not answer: {str(problem).strip()}"
        raise Unobservable(msg) from None
    if not found and not may_be_none:
        msg = f"{who} answers {statement!r} with nothing"
        raise Unobservable(msg)
    return list(found)
