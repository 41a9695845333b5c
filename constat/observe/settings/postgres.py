"""What the database servers run with, each by its own word, and what was set for all of them: logins, rights, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import Error

from constat.observe import replication, vault
from constat.observe.postgres import ask, databases
from constat.settings import ABSENT, fingerprint, flat, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.settings import Settings
    from constat.stack import Postgres, PostgresNode, Stack

# What a server says of its part in the cluster, which a failover exchanges, and of the session that asks.
_MOMENTARY: Final = frozenset(
    {"in_hot_standby", "synchronous_standby_names", "transaction_isolation"}
    | {"transaction_deferrable", "transaction_read_only", "application_name", "client_encoding", "session_authorization", "is_superuser"}
    | {"role", "seed", "shared_memory_size", "shared_memory_size_in_huge_pages", "server_version", "server_version_num"}
)
# What only a server that follows another goes by; which one does is exchanged too.
_FOLLOWING: Final = ("primary_", "recovery_", "restore_command", "archive_cleanup_command", "promote_trigger_file")
_CONNECTION, _SLOT = "primary_conninfo", "primary_slot_name"
# Of the way to the primary: who it is, is exchanged; how it must prove itself, is not.
_EXCHANGED: Final = frozenset({"host", "hostaddr", "port", "user", "password", "passfile", "application_name"})
_SETTINGS: Final = "SELECT name, reset_val AS setting, unit, pending_restart, pg_is_in_recovery() AS follows FROM pg_settings ORDER BY name"
_FILES: Final = "SELECT name, setting, error FROM pg_file_settings ORDER BY seqno"
_RULES: Final = "SELECT to_jsonb(r) - 'line_number' - 'rule_number' AS rule FROM pg_hba_file_rules AS r ORDER BY line_number"

_LOGINS: Final = "SELECT rolname AS name, to_jsonb(a) - 'oid' - 'rolname' AS said FROM pg_authid AS a"
_MEMBERS: Final = """
SELECT roleid::regrole::text || ' to ' || member::regrole::text AS name, to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor' AS said
FROM pg_auth_members AS m
"""
_PER_ROLE: Final = """
SELECT coalesce(nullif(setrole, 0)::regrole::text, 'everybody') || ' in ' || coalesce(datname, 'every database') AS name, setconfig AS said
FROM pg_db_role_setting LEFT JOIN pg_database ON pg_database.oid = setdatabase
"""
_DATABASES: Final = """
SELECT datname AS name, jsonb_build_object('owner', datdba::regrole::text, 'rights', datacl::text, 'connections', datconnlimit,
       'enter', datallowconn, 'template', datistemplate, 'encoding', pg_encoding_to_char(encoding), 'collation', datcollate) AS said
FROM pg_database AS d
"""
_SCHEMAS: Final = """
SELECT nspname AS name, nspowner::regrole::text || ' ' || coalesce(nspacl::text, 'default') AS said
FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)_'
"""
_DEFAULTS: Final = """
SELECT concat_ws(' ', defaclrole::regrole, coalesce(nullif(defaclnamespace, 0)::regnamespace::text, 'everywhere'), defaclobjtype) AS name,
       defaclacl::text AS said
FROM pg_default_acl
"""
# Beyond what a fresh cluster has: rights on the server's own functions and catalogs.
_CATALOG: Final = """
SELECT p.oid::regprocedure::text AS name, proacl::text AS said FROM pg_proc AS p
LEFT JOIN pg_init_privs ON objoid = p.oid AND classoid = 'pg_proc'::regclass AND objsubid = 0
WHERE pronamespace = 'pg_catalog'::regnamespace AND proacl IS DISTINCT FROM initprivs
UNION ALL
SELECT c.oid::regclass::text, relacl::text FROM pg_class AS c
LEFT JOIN pg_init_privs ON objoid = c.oid AND classoid = 'pg_class'::regclass AND objsubid = 0
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v') AND relacl IS DISTINCT FROM initprivs
UNION ALL SELECT 'parameter ' || parname, paracl::text FROM pg_parameter_acl
UNION ALL SELECT 'language ' || lanname, lanowner::regrole::text || ' ' || coalesce(lanacl::text, 'default') || ' ' || lanpltrusted
FROM pg_language
"""
_EXTENSIONS: Final = "SELECT extname AS name, extversion || ' in ' || extnamespace::regnamespace AS said FROM pg_extension"
_RELATIONS: Final = """
SELECT c.oid::regclass::text AS name, jsonb_build_object('owner', relowner::regrole::text, 'log', relpersistence, 'options', reloptions,
       'rows', relrowsecurity, 'forced', relforcerowsecurity) AS said
FROM pg_class AS c WHERE relkind IN ('r', 'p', 'm', 'S', 'v') AND relpersistence <> 't' AND relnamespace <> ALL
     (ARRAY['pg_catalog', 'information_schema', 'pg_toast']::regnamespace[])
"""
_FUNCTIONS: Final = """
SELECT p.oid::regprocedure::text AS name, jsonb_build_object('owner', proowner::regrole::text, 'definer', prosecdef,
       'settings', proconfig, 'rights', proacl::text, 'body', md5(prosrc)) AS said
FROM pg_proc AS p WHERE pronamespace <> ALL (ARRAY['pg_catalog', 'information_schema']::regnamespace[])
"""
_IN_EVERY_DATABASE: Final = {
    "schema": _SCHEMAS,
    "default right": _DEFAULTS,
    "right": _CATALOG,
    "extension": _EXTENSIONS,
    "relation": _RELATIONS,
    "function": _FUNCTIONS,
}


def server(postgres: Postgres, node: PostgresNode) -> Settings:
    """Every setting that the server starts a session with, those that wait for a restart or cannot be applied, its rules of admission."""
    dsn = replication.node_dsn(postgres, node)
    said = dict(pair for row in ask(dsn, _SETTINGS, who=node.name) for pair in _setting(row))
    for row in ask(dsn, _FILES, who=node.name):
        said |= _written(row)
    rules = [text(row["rule"]) for row in ask(dsn, _RULES, who=node.name)]
    return said | {f"rule of admission {place}": rule for place, rule in enumerate(rules, 1)}


def followers(postgres: Postgres) -> Settings:
    """What every server that follows another goes by, and how the other must prove who it is; several values where they differ."""
    said: dict[str, set[str]] = {}
    for node in postgres.nodes:
        for row in ask(replication.node_dsn(postgres, node), _SETTINGS, who=node.name):
            for name, value in _following(str(row["name"]), str(row["setting"] or "")) if row["follows"] else ():
                # Each has the same files in a directory of its own, and another follows after a failover.
                said.setdefault(name, set()).add(value.replace(f"/{node.name}/", "/(its own)/"))
    return {name: " | ".join(sorted(values)) for name, values in said.items()}


def cluster(stack: Stack) -> Settings:
    """Patroni's settings for all members."""
    return dict(flat(replication.dynamic(stack)))


def rights(stack: Stack) -> Settings:
    """Logins with their attributes, memberships and settings; of every database its rights, relations and functions."""
    assert stack.postgres is not None  # who asks has one
    issued = vault.issued_prefixes(stack.vault) if stack.vault else ()
    dsn = stack.postgres.admin_dsn
    said: Settings = {}
    for kind, query in (("login", _LOGINS), ("membership", _MEMBERS), ("settings of", _PER_ROLE), ("database", _DATABASES)):
        said |= _said(kind, ask(dsn, query, who="the primary", may_be_none=True))
    for database in databases(stack.postgres):
        inside = make_conninfo(dsn, dbname=database)
        for kind, query in _IN_EVERY_DATABASE.items():
            said |= _said(f"{kind} {database}", ask(inside, query, who=f"database {database!r}", may_be_none=True))
    # What the secret store issues comes and goes.
    return {name: value for name, value in said.items() if not is_issued(name, issued)}


def is_issued(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a fact is about a login that the secret store has issued."""
    return any(word.strip('"').startswith(prefixes) for word in name.split())


def _said(kind: str, rows: list[dict[str, Any]]) -> Settings:
    """One name for each fact, so that a finding names what has changed; relations and functions have one each."""
    if kind in {"login", "database"}:
        return dict(pair for row in rows for pair in _facts(f"{kind} {row['name']}", row["said"]))
    return {f"{kind} {row['name']}": text(row["said"]) for row in rows}


def _facts(subject: str, said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in said.items():
        yield f"{subject}.{name}", fingerprint(str(value)) if name == "rolpassword" and value else text(value)


def _setting(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = str(row["name"])
    if row["pending_restart"]:
        yield f"{name} waits for a restart", "yes"
    if _is_lasting(name):
        yield name, f"{row['setting']} {row['unit']}" if row["unit"] else str(row["setting"])


def _is_lasting(name: str) -> bool:
    return name not in _MOMENTARY and not name.startswith(_FOLLOWING)


def _following(name: str, value: str) -> Iterator[tuple[str, str]]:
    """A setting of a server that follows another; of the way to the other, how that one must prove who it is."""
    if name == _CONNECTION:
        yield from ((f"{name}.{part}", told) for part, told in _proof(value).items() if part not in _EXCHANGED)
    elif name.startswith(_FOLLOWING) and name != _SLOT:
        yield name, value


def _proof(conninfo: str) -> Settings:
    try:
        # Each server has a copy of the same file in its own directory.
        return {name: str(value).rpartition("/")[2] for name, value in conninfo_to_dict(conninfo).items()}
    except Error:
        return {"text": "unreadable"}


def _written(row: dict[str, Any]) -> Settings:
    """What its files say, whether or not it has read them; the last of each name counts."""
    name, said = str(row["name"] or "a line"), {}
    if row["error"]:
        said[f"{name} cannot be applied"] = str(row["error"])
    if row["name"] and _is_lasting(name):
        said[f"{name} in its files"] = str(row["setting"] if row["setting"] is not None else ABSENT)
    return said
