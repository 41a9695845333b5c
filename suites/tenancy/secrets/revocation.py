"""What was taken back must stop working: tokens, secrets of roles, and what was issued for the database."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.observe import vault as vaults
from constat.outcome import Outcome
from suites.tenancy.campaign import OK
from suites.tenancy.secrets.ground import Speaker, log_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.stack import AppRole, Postgres, Vault

_SHORT: Final = "60s"


def judge(subject: str, before: Answer, after: Answer, refusals: frozenset[str]) -> Judgement:
    """It worked before, and is refused in a declared way afterwards."""
    if after.kind == OK:
        outcome, reason = Outcome.FAIL, "still works after it was taken back"
    elif before.kind != OK:
        outcome, reason = Outcome.ERROR, f"did not even work before: {before.kind} {before.shown}"
    elif after.kind not in refusals:
        outcome, reason = Outcome.ERROR, f"neither works nor is refused in a declared way: {after.kind} {after.shown}"
    else:
        outcome, reason = Outcome.PASS, f"refused: {after.kind}"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=sorted(refusals),
        observed=[after.kind],
        positive_control=f"before: {before.kind}",
    )


def tokens(vault: Vault, oracle: Speaker, tenant: str, role: AppRole) -> Iterator[Judgement]:
    """A token of the tenant's and a child's end with it; a destroyed secret lets nobody in."""
    with vaults.connect(vault) as client:
        token, accessor = log_in(client, role)
    yield _ended(vault, f"token of {tenant}", token, lambda: oracle.need("POST", "auth/token/revoke-accessor", {"accessor": accessor}))
    base = f"auth/approle/role/{quote(tenant, safe='')}"
    issued = oracle.need("POST", f"{base}/secret-id", {"ttl": _SHORT})["data"]
    spare = type(role)(role_id=role.role_id, secret_id=issued["secret_id"])
    before = _login(vault, spare)
    oracle.need("POST", f"{base}/secret-id-accessor/destroy", {"secret_id_accessor": issued["secret_id_accessor"]})
    yield judge(f"secret of role {tenant}", before, _login(vault, spare), frozenset({"refused"}))
    yield from _wrapped(vault, oracle)


def _wrapped(vault: Vault, oracle: Speaker) -> Iterator[Judgement]:
    """What was wrapped is unwrapped once."""
    with vaults.connect(vault, token=oracle.token) as client:
        client.headers["X-Vault-Wrap-TTL"] = _SHORT
        wrapping = Speaker(client, "admin").need("GET", "auth/token/lookup-self")["wrap_info"]["token"]
    with vaults.connect(vault, token=str(wrapping)) as client:
        holder = Speaker(client, "holder")
        first, second = holder.answer("POST", "sys/wrapping/unwrap"), holder.answer("POST", "sys/wrapping/unwrap")
    yield judge("wrapped answer", first, second, frozenset({"http 400", "http 403"}))


def _ended(vault: Vault, subject: str, token: str, end: Callable[[], object]) -> Judgement:
    with vaults.connect(vault, token=token) as client:
        holder = Speaker(client, subject)
        before = holder.answer("GET", "auth/token/lookup-self")
        end()
        after = holder.answer("GET", "auth/token/lookup-self")
    return judge(subject, before, after, frozenset({"http 403"}))


def _login(vault: Vault, role: AppRole) -> Answer:
    with vaults.connect(vault) as client:
        try:
            log_in(client, role)
        except Unobservable as problem:
            return Answer(kind="refused", shown=str(problem))
    return Answer(kind=OK)


def leases(database: Postgres, oracle: Speaker, path: str) -> Iterator[Judgement]:
    """A database login that was issued lets nobody in once its lease has ended, and ends who is in."""
    issued = oracle.need("GET", path)
    login = {"user": issued["data"]["username"], "password": issued["data"]["password"]}
    dsn = make_conninfo(database.app_dsn, **login)
    with contextlib.ExitStack() as opened:
        session, before = _session(dsn)
        if session is not None:
            opened.callback(session.close)
        oracle.need("PUT", "sys/leases/revoke", {"lease_id": issued["lease_id"], "sync": True})
        again, after = _session(dsn)
        if again is not None:
            again.close()
        yield judge(f"login issued by {path}", before, after, frozenset({"sqlstate 28P01", "sqlstate 28000", "refused"}))
        yield judge(f"session of a login issued by {path}", before, _works(session), frozenset({"ended"}))


def _session(dsn: str) -> tuple[psycopg.Connection[tuple[object, ...]] | None, Answer]:
    try:
        return psycopg.connect(dsn, autocommit=True, connect_timeout=5), Answer(kind=OK)
    except psycopg.OperationalError as problem:
        return None, Answer(kind=f"sqlstate {problem.sqlstate}" if problem.sqlstate else "refused", shown=str(problem))


def _works(session: psycopg.Connection[tuple[object, ...]] | None) -> Answer:
    if session is None:
        return Answer(kind="never there")
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError as problem:
        return Answer(kind="ended", shown=str(problem))
    return Answer(kind=OK)
