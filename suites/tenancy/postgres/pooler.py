"""The pooler's other doors: every database that it knows, and its console, tried with the tenants' own logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome
from constat.target import LoginKind
from suites.tenancy.postgres.seeds import recognising
from suites.tenancy.postgres.sessions import Act, Attacker, connect, logged_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from constat.stack import Postgres
    from suites.tenancy.postgres.field import Field

CONSOLE: Final = "pgbouncer"
# They only show; what else the console can do stops everybody's work.
_SHOWING: Final = (b"SHOW HELP", b"SHOW CONFIG")


@dataclass(frozen=True, kw_only=True)
class Entered:
    """How the application fared at one database of the pooler's; `refusal` is the pooler's word where it was not let in."""

    name: str
    refusal: str = ""
    session: str = ""
    current: str = ""
    victims: tuple[str, ...] = ()  # relations that show the victim's row
    own: int = 0  # relations that show the attacker's own


def attacked(field: Field) -> Iterator[Judgement]:
    """Enter every database that the pooler leads to, and its console."""
    known = aliases(field)
    for name in known:
        yield judge(_enter(field, name), field.login, is_own=name == field.database.database)
    yield from _console(field)


def aliases(field: Field) -> tuple[str, ...]:
    """What the pooler's console lists, and every database of the server, should it lead to each."""
    with connect(field.database.pooler_admin_dsn) as console:
        listed = {str(row[0]) for row in console.execute(b"SHOW DATABASES").fetchall()}
    there = {str(row[0]) for row in field.oracle.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()}
    return tuple(sorted((listed | there) - {CONSOLE}))


def judge(entered: Entered, login: str, *, is_own: bool) -> Judgement:
    """The application stays itself wherever it is let in, and sees its own rows at most."""
    others = sorted({entered.session, entered.current} - {"", login})
    excess = [*(f"login {other}" for other in others), *(f"the victim's row in {relation}" for relation in entered.victims)]
    if excess:
        outcome, reason = Outcome.FAIL, f"the application gets {', '.join(excess[:4])}"
    elif is_own and not entered.own:
        outcome, reason = Outcome.ERROR, f"the application does not even see its own rows there: {entered.refusal or 'zero rows'}"
    elif entered.refusal:
        outcome, reason = Outcome.PASS, f"refused: {entered.refusal}"
    else:
        outcome, reason = Outcome.PASS, f"is {entered.session} there, and sees the victim's row in no relation"
    return Judgement(
        subject=f"database {entered.name} of the pooler",
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=excess,
        positive_control=f"its own row is seen in {entered.own} relations" if entered.own else None,
    )


def _enter(field: Field, name: str) -> Entered:
    """Log in there as the application does, and look for everything planted."""
    try:
        connection = _opened(make_conninfo(field.database.pooler_dsn, dbname=name))
    except psycopg.OperationalError as problem:
        return Entered(name=name, refusal=str(problem).strip())
    with connection:
        session, current = connection.execute(b"SELECT session_user::text, current_user::text").fetchone() or ("", "")
        return Entered(
            name=name, session=session, current=current, victims=_seen(field, connection, 1), own=len(_seen(field, connection, 0))
        )


def _seen(field: Field, connection: Connection[Any], whose: int) -> tuple[str, ...]:
    """The relations that show the row of the one or the other, in the attacker's context."""
    attacker = Attacker(connection, field.database.context_setting, field.mine)
    seeds = [seed for (_, tenant), seed in field.seeder.seeds.items() if tenant == field.pair[whose]]
    answers = attacker.acts([Act(statement=recognising(seed)) for seed in seeds])
    return tuple(sorted(str(s.relation.name) for s, answer in zip(seeds, answers, strict=True) if answer.shows(s.canary)))


def _console(field: Field) -> Iterator[Judgement]:
    """The console with every tenant-bound login that the stack has the password of; its own login is let in."""
    with connect(field.database.pooler_admin_dsn) as console:
        twin = f"its own login is shown {len(console.execute(b'SHOW CONFIG').fetchall())} settings"
    for user, password in sorted(_bound(field).items()):
        yield judge_console(user, _shown(field.database, user, password), twin)


def judge_console(user: str, shown: str, twin: str) -> Judgement:
    """Nobody who works for tenants is let in, whatever it then may do; `shown` is empty when it was refused."""
    return Judgement(
        subject=f"the pooler's console with {user}",
        outcome=Outcome.FAIL if shown else Outcome.PASS,
        reason=shown or "refused",
        expected="",
        observed=shown,
        positive_control=twin,
    )


def _shown(database: Postgres, user: str, password: str) -> str:
    try:
        connection = _opened(make_conninfo(database.pooler_dsn, dbname=CONSOLE, user=user, password=password))
    except psycopg.OperationalError:
        return ""
    with connection:
        return ", ".join(["is let in", *(_carried_out(connection, statement) for statement in _SHOWING)])


def _carried_out(connection: Connection[Any], statement: bytes) -> str:
    try:
        connection.execute(statement)
    except psycopg.Error as problem:
        return f"{statement.decode()} refused: {problem}"
    return f"{statement.decode()} carried out"


def _bound(field: Field) -> dict[str, str]:
    """Every login of the stack's that works for tenants, with its password."""
    database = field.database
    found = [conninfo_to_dict(dsn) for dsn in (database.pooler_dsn, database.app_dsn, database.replica_dsn, database.backup_dsn)]
    bound = {name for name, login in field.target.isolation.logins.items() if login.kind is LoginKind.TENANT_BOUND}
    return {str(part["user"]): str(part.get("password", "")) for part in found if part.get("user") in bound | {field.login}}


def _opened(dsn: str) -> Connection[Any]:
    """Log in; OperationalError in the pooler's words when it does not let in, Unobservable when it does not answer."""
    try:
        return logged_in(dsn)
    except psycopg.OperationalError as problem:
        if "FATAL" in str(problem):
            raise
        msg = f"the pooler does not answer: {str(problem).strip()}"
        raise Unobservable(msg) from None
