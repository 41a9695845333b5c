"""Logins that the secret store issues: each is drawn, used as itself against everybody's rows, and given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.conninfo import make_conninfo

from constat.errors import Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import vault as vaults
from constat.outcome import Outcome
from suites.tenancy.postgres.roles import leaking, taking
from suites.tenancy.postgres.seeds import recognising
from suites.tenancy.postgres.sessions import Act, Attacker, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from constat.stack import Vault
    from suites.tenancy.postgres.field import Field

# What row level security, or anybody's rights, do not hold against.
_POWERS: Final = """
SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
    CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
    CASE WHEN rolreplication THEN 'REPLICATION' END], NULL)
FROM pg_roles WHERE rolname = %s
"""
# Every role that it is a member of, however far, and the attacked login is not.
_ROLES: Final = """
SELECT r.rolname::text FROM pg_roles r WHERE r.rolname <> %(login)s AND pg_has_role(%(login)s, r.oid, 'MEMBER')
    AND NOT pg_has_role(%(attacked)s, r.oid, 'MEMBER') ORDER BY 1
"""
# Relations on which it may do what the attacked login may not.
_MORE: Final = """
SELECT p.word || ' on ' || c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(word)
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
    AND has_schema_privilege(%(login)s, n.oid, 'USAGE') AND has_table_privilege(%(login)s, c.oid, p.word)
    AND NOT (has_schema_privilege(%(attacked)s, n.oid, 'USAGE') AND has_table_privilege(%(attacked)s, c.oid, p.word)) ORDER BY 1
"""
_CONTEXTS: Final = ("its own", "none", "an empty one")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a login that was issued can do: its powers, what more it may than the attacked one, and what it saw."""

    path: str
    powers: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()  # where the victim's row was seen, and how
    own: int = 0  # relations that showed the attacker's own row


def attacked(field: Field) -> Iterator[Judgement]:
    """Draw from every role there is, one after the other; each login is given back at once."""
    if field.vault is None:
        return
    paths = vaults.database_logins(field.vault)
    for path in paths:
        yield _used(field, field.vault, path)
    if paths:
        yield coverage(len(paths), len(paths), what="logins that the secret store issues")


def _used(field: Field, vault: Vault, path: str) -> Judgement:
    try:
        with vaults.drawn(vault, path) as login:
            dsn = make_conninfo(field.database.app_dsn, user=login.user, password=login.password)
            with connect(dsn) as connection:
                return judge(_tried(field, path, connection), field.login)
    except Unobservable as problem:
        return Judgement(subject=f"issued by {path}", outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def judge(tried: Tried, attacked_login: str) -> Judgement:
    """FAIL for a power or a row of the victim's; NOT_REVIEWED where it may do what nobody has attacked; ERROR when it saw nothing."""
    excess = [*tried.powers, *tried.leaks]
    if excess:
        outcome, reason = Outcome.FAIL, f"a login that is issued has {', '.join(excess[:4])}"
    elif tried.more:
        outcome = Outcome.NOT_REVIEWED
        reason = f"it may do what {attacked_login!r} may not, and nobody attacked it: {', '.join(tried.more[:5])}"
    elif not tried.own:
        outcome, reason = Outcome.ERROR, "it does not even see the attacker's own rows, so that it sees no others proves nothing"
    else:
        outcome, reason = Outcome.PASS, f"it may do nothing that {attacked_login!r} may not, and sees no row of the victim's"
    return Judgement(
        subject=f"issued by {tried.path}",
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=[*excess, *tried.more],
        positive_control=f"it saw the attacker's own row in {tried.own} relations",
    )


def _tried(field: Field, path: str, connection: Connection[Any]) -> Tried:
    row = connection.execute("SELECT session_user::text").fetchone()
    names = {"login": row[0] if row else "", "attacked": field.login}
    powers = field.oracle.execute(_POWERS, [names["login"]]).fetchone()
    mine = Attacker(connection, field.database.context_setting, field.mine)
    return Tried(
        path=path,
        powers=tuple(powers[0] if powers else ()),
        more=tuple(str(what) for (what,) in field.oracle.execute(_MORE, names).fetchall()),
        leaks=(*_leaks(field, connection), *_leaks_as(field, mine, names)),
        own=len(_shown(field, mine, field.pair[0])),
    )


def _leaks_as(field: Field, mine: Attacker, names: dict[str, str]) -> Iterator[str]:
    """Where the victim's row is seen by taking a role that the attacked login cannot take."""
    for (role,) in field.oracle.execute(_ROLES, names).fetchall():
        yield from (f"the victim's row in {where} as role {role}" for where in leaking(field, taking(str(role)), by=mine))


def _leaks(field: Field, connection: Connection[Any]) -> Iterator[str]:
    """Where the victim's row is seen, in the attacker's context and in none."""
    for word, organization_id in zip(_CONTEXTS, (field.mine, None, ""), strict=True):
        attacker = Attacker(connection, field.database.context_setting, organization_id)
        yield from (f"the victim's row in {where} in {word} context" for where in _shown(field, attacker, field.pair[1]))


def _shown(field: Field, attacker: Attacker, tenant: str) -> list[str]:
    seeds = [seed for (_, name), seed in field.seeder.seeds.items() if name == tenant]
    answers = attacker.acts([Act(statement=recognising(seed)) for seed in seeds])
    return [str(seed.relation) for seed, answer in zip(seeds, answers, strict=True) if answer.shows(seed.canary)]
