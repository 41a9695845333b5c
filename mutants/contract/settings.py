"""A setting that somebody changed on the running server, and that no file says."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import psycopg
from minio.commonconfig import ENABLED
from minio.versioningconfig import SUSPENDED, VersioningConfig

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import broker, cache, http, objects, replication, vault
from mutants.chaos import cluster
from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

    Value = Callable[[Stack], str]
    Change = Callable[[Stack, str], None]

_CONTROLS: Final = ("CON-SET-01",)
_AUDIT, _APPENDING, _PROOF = "pgaudit.log", "appendonly", "server_tls_sslmode"
_TENANT: Final = "t1"


def _need(part: Any, what: str) -> Any:
    if part is None:
        msg = f"the stack has no {what}"
        raise Unobservable(msg)
    return part


def _set(mutant_id: str, title: str, *, value: Value, change: Change, to: str) -> Mutant:
    """Make a mutant of one value: `change` sets it, and sets what was before again."""

    def changed(stack: Stack, wanted: str) -> None:
        change(stack, wanted)
        wait.until(lambda: _require(value(stack), wanted), what=f"the setting is {wanted!r}", within=deadlines.MUTANT_PLANTED)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=_CONTROLS,
        prepare=lambda stack: {"value": value(stack)},
        plant=lambda stack, _state: changed(stack, to),
        confirm=lambda stack, state: value(stack) != state["value"],
        revert=lambda stack, state: changed(stack, str(state["value"])),
        fingerprint=value,
    )


def _require(seen: str, wanted: str) -> None:
    if seen != wanted:
        msg = f"it is {seen!r}"
        raise NotReady(msg)


# The audit of the database


def _primary(stack: Stack, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements on the server itself, past the proxy: what ALTER SYSTEM changes is its own."""
    postgres = cluster.database(stack)
    leader = replication.primary(postgres).node
    node = next(node for node in postgres.nodes if node.name == leader)
    with psycopg.connect(replication.node_dsn(postgres, node), autocommit=True) as operator:
        for statement in statements[:-1]:
            operator.execute(statement)
        return operator.execute(statements[-1]).fetchall()


def _audited(stack: Stack) -> str:
    return str(_primary(stack, f"SHOW {_AUDIT}")[0][0])


def _audit_nothing(stack: Stack, state: State) -> None:
    del state  # the file said nothing of it, or what Patroni says
    _primary(stack, f"ALTER SYSTEM SET {_AUDIT} = 'none'", "SELECT pg_reload_conf()")
    _await_audit(stack, lambda seen: seen == "none")


def _audit_again(stack: Stack, state: State) -> None:
    _primary(stack, f"ALTER SYSTEM RESET {_AUDIT}", "SELECT pg_reload_conf()")
    _await_audit(stack, lambda seen: seen == state["value"])


def _await_audit(stack: Stack, holds: Callable[[str], bool]) -> None:
    wait.until(lambda: _audited(stack), what="the server has read its files", within=deadlines.MUTANT_PLANTED, holds=holds)


# Redis, the pooler, the broker, the object store, the secret store


def _appending(stack: Stack) -> str:
    return str(dict(cache.ask(_need(stack.cache, "cache"), "CONFIG GET", _APPENDING))[_APPENDING])


def _append(stack: Stack, wanted: str) -> None:
    with closing(cache.connect(_need(stack.cache, "cache"))) as redis:
        redis.config_set(_APPENDING, wanted)


def _console(stack: Stack, command: str) -> psycopg.pq.abc.PGresult:
    with psycopg.connect(cluster.database(stack).pooler_admin_dsn, autocommit=True) as console:
        return console.pgconn.exec_(command.encode())


def _proof(stack: Stack) -> str:
    said = _console(stack, "SHOW CONFIG")
    rows = {_text(said, row, 0): _text(said, row, 1) for row in range(said.ntuples)}
    return rows[_PROOF]


def _text(said: psycopg.pq.abc.PGresult, row: int, column: int) -> str:
    return (said.get_value(row, column) or b"").decode()


def _prove(stack: Stack, wanted: str) -> None:
    said = _console(stack, f"SET {_PROOF} = '{wanted}'")
    if said.status != psycopg.pq.ExecStatus.COMMAND_OK:
        msg = f"the pooler refuses to set {_PROOF!r}: {said.error_message.decode(errors='replace')}"
        raise Unobservable(msg)


def _policy(stack: Stack) -> str:
    messages = _need(stack.broker, "broker")
    path = f"/api/policies/{messages.vhost_of(_TENANT)}/{_TENANT}"
    with broker.management(messages) as client:
        reply = http.ask(client, "GET", path)
    if reply.status == 404:  # noqa: PLR2004 - there is none
        return ""
    kept = http.expect(reply, what=path).json()
    return json.dumps({part: kept[part] for part in ("pattern", "definition", "priority", "apply-to")}, sort_keys=True)


def _bound(stack: Stack, wanted: str) -> None:
    messages = _need(stack.broker, "broker")
    path = f"/api/policies/{messages.vhost_of(_TENANT)}/{_TENANT}"
    with broker.management(messages) as client:
        reply = http.ask(client, "PUT", path, value=json.loads(wanted)) if wanted else http.ask(client, "DELETE", path)
    if reply.status != 404:  # noqa: PLR2004 - it was gone already
        http.expect(reply, what=path)


def _versioning(stack: Stack) -> str:
    store = _need(stack.objects, "object store")
    return str(objects.connect(store, store.admin).get_bucket_versioning(store.buckets[0]).status)


def _keep_versions(stack: Stack, wanted: str) -> None:
    store = _need(stack.objects, "object store")
    status = ENABLED if wanted == ENABLED else SUSPENDED
    objects.connect(store, store.admin).set_bucket_versioning(store.buckets[0], VersioningConfig(status))


def _role(stack: Stack, method: str, value: dict[str, str] | None = None) -> http.Reply:
    secrets = _need(stack.vault, "secret store")
    path = f"auth/approle/role/{_TENANT}"
    with vault.connect(secrets, token=secrets.admin_token) as client:
        return http.expect(http.ask(client, method, path, value=value), what=path)


def _lasting(stack: Stack) -> str:
    return str(_role(stack, "GET").json()["data"]["token_max_ttl"])


def _last(stack: Stack, wanted: str) -> None:
    _role(stack, "POST", {"token_max_ttl": wanted})


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-12",
        title="the audit of statements was switched off on the server while a bulk load ran, and stayed off",
        scope=Scope.COMPONENT,
        controls=_CONTROLS,
        prepare=lambda stack: {"value": _audited(stack)},
        plant=_audit_nothing,
        confirm=lambda stack, _state: _audited(stack) == "none",
        revert=_audit_again,
        fingerprint=_audited,
    ),
    _set(
        "MUT-CON-13", "the cache keeps nothing across a restart, since writing it down was slow", value=_appending, change=_append, to="no"
    ),
    _set(
        "MUT-CON-14",
        "the pooler takes any server for the database, since a certificate had expired",
        value=_proof,
        change=_prove,
        to="prefer",
    ),
    _set(
        "MUT-CON-15",
        "a tenant's queues are bounded by nothing any more, since its policy was in the way",
        value=_policy,
        change=_bound,
        to="",
    ),
    _set(
        "MUT-CON-16",
        "a bucket keeps no versions any more, to save space",
        value=_versioning,
        change=_keep_versions,
        to=SUSPENDED,
    ),
    _set("MUT-CON-17", "a tenant's tokens at the secret store last a day", value=_lasting, change=_last, to=str(24 * 3600)),
    mutant(
        "MUT-CON-18",
        "who runs migrations may also pass the owner's role on to others",
        plant="GRANT owner TO migrator WITH ADMIN OPTION",
        revert="REVOKE ADMIN OPTION FOR owner FROM migrator",
        holds="SELECT bool_or(admin_option) FROM pg_auth_members WHERE roleid = 'owner'::regrole AND member = 'migrator'::regrole",
        controls=_CONTROLS,
    ),
)
