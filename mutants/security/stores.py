"""Defects of the stores' own users and policies: somebody is let in who proves nothing, or what anybody would guess."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import psycopg
from minio.error import S3Error
from psycopg import sql

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import broker, coordinator, http, objects, vault

if TYPE_CHECKING:
    from minio import Minio

    from constat.stack import Broker, Coordinator, Objects, Postgres, Stack, Vault

_SUPPORT: Final = "support"
_TENANT: Final = "t2"
_GUEST: Final = "guest"
_LOGIN: Final = "rewinder"
_UNKNOWN: Final = 404


def _need(part: Any, what: str) -> Any:
    if part is None:
        msg = f"the stack has no {what}"
        raise Unobservable(msg)
    return part


# Objects


def _bucket(stack: Stack) -> tuple[Minio, str]:
    store: Objects = _need(stack.objects, "object store")
    return objects.connect(store, store.admin), store.buckets[0]


def _publish(stack: Stack, state: State) -> None:
    del state  # there was no policy
    client, name = _bucket(stack)
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{name}/*"]}
    client.set_bucket_policy(name, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _unpublish(stack: Stack, state: State) -> None:
    del state  # there was no policy
    client, name = _bucket(stack)
    client.delete_bucket_policy(name)


def _policy(stack: Stack) -> str:
    client, name = _bucket(stack)
    try:
        return client.get_bucket_policy(name)
    except S3Error as problem:
        if problem.code == "NoSuchBucketPolicy":
            return ""
        raise


# Coordinator


def _call(stack: Stack, method: str) -> None:
    store: Coordinator = _need(stack.coordinator, "coordinator")
    coordinator.call(store, method, {}, token=coordinator.sign_in(store, store.endpoints[0]))


def _disable_logins(stack: Stack, state: State) -> None:
    del state  # the logins stay, and are asked for again
    _call(stack, "auth/disable")


def _enable_logins(stack: Stack, state: State) -> None:
    del state  # likewise
    if _logins_are_off(stack, {}):
        store: Coordinator = _need(stack.coordinator, "coordinator")
        coordinator.call(store, "auth/enable", {}, token="")


def _logins_are_off(stack: Stack, state: State) -> bool:
    del state  # it is seen
    store: Coordinator = _need(stack.coordinator, "coordinator")
    with coordinator.connect(store, store.endpoints[0]) as client:
        return "authentication is not enabled" in http.ask(client, "POST", "/v3/auth/authenticate", value={"name": "", "password": ""}).text


# Broker


def _guest(stack: Stack, method: str, value: dict[str, str] | None = None) -> int:
    queue: Broker = _need(stack.broker, "broker")
    with broker.management(queue) as client:
        return http.ask(client, method, f"/api/users/{_GUEST}", value=value).status


def _create_guest(stack: Stack, state: State) -> None:
    del state  # there was none
    _guest(stack, "PUT", {"password": _GUEST, "tags": "administrator"})


def _remove_guest(stack: Stack, state: State) -> None:
    del state  # there was none
    _guest(stack, "DELETE")


def _broker_users(stack: Stack) -> str:
    return "\n".join(broker.users(_need(stack.broker, "broker")))


# Secret store


def _write(stack: Stack, method: str, path: str, value: dict[str, Any] | None = None) -> http.Reply:
    store: Vault = _need(stack.vault, "secret store")
    with vault.connect(store, token=store.admin_token) as client:
        reply = http.ask(client, method, path, value=value)
    return reply if reply.status == _UNKNOWN else http.expect(reply, what=path)


def _add_root(stack: Stack, state: State) -> None:
    del state  # the method was not there
    _write(stack, "POST", "sys/auth/userpass", {"type": "userpass"})
    _write(stack, "POST", "auth/userpass/users/root", {"password": "root", "policies": ["default"]})


def _remove_method(stack: Stack, state: State) -> None:
    del state  # the method was not there
    if "userpass" in vault.auth_methods(_need(stack.vault, "secret store")):
        _write(stack, "DELETE", "sys/auth/userpass")


def _has_root(stack: Stack, state: State) -> bool:
    del state  # it is seen
    return "root" in vault.names(_need(stack.vault, "secret store"), "auth/userpass/users")


def _show_mounts(stack: Stack, state: State) -> None:
    del state  # it was not set
    _write(stack, "POST", f"sys/mounts/{_need(stack.vault, 'secret store').mount}/tune", {"listing_visibility": "unauth"})


def _hide_mounts(stack: Stack, state: State) -> None:
    del state  # it was not set
    _write(stack, "POST", f"sys/mounts/{_need(stack.vault, 'secret store').mount}/tune", {"listing_visibility": "hidden"})


def _shown_mounts(stack: Stack) -> str:
    store: Vault = _need(stack.vault, "secret store")
    with vault.connect(store) as client:
        return str(sorted(http.ask(client, "GET", "sys/internal/ui/mounts").json()["data"]["secret"]))


def _methods(stack: Stack) -> str:
    return str(sorted(vault.auth_methods(_need(stack.vault, "secret store")).items()))


# Database


def _execute(stack: Stack, statement: sql.Composed) -> None:
    database: Postgres = _need(stack.postgres, "database")
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute(statement)


def _verifier(stack: Stack) -> str:
    database: Postgres = _need(stack.postgres, "database")
    with psycopg.connect(database.admin_dsn) as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [_LOGIN]).fetchone()
    return str(row[0]) if row else ""


def _set_password(stack: Stack, password: str) -> None:
    _execute(stack, sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(_LOGIN), sql.Literal(password)))


# Accounts


def _account(stack: Stack) -> str:
    tenant = stack.tenants.get(_TENANT)
    return str(_need(tenant, f"tenant {_TENANT!r}").api.user)


def _hash(stack: Stack) -> str:
    database: Postgres = _need(stack.postgres, "database")
    with psycopg.connect(database.admin_dsn) as connection:
        row = connection.execute("SELECT password_hash FROM authentication.accounts WHERE user_name = %s", [_account(stack)]).fetchone()
    return str(row[0]) if row else ""


def _set_hash(stack: Stack, password_hash: str) -> None:
    statement = sql.SQL("UPDATE authentication.accounts SET password_hash = {} WHERE user_name = {}")
    _execute(stack, statement.format(sql.Literal(password_hash), sql.Literal(_account(stack))))


def _name_as_password(stack: Stack, state: State) -> None:
    del state  # the hash that was there is in it
    statement = sql.SQL(
        "UPDATE authentication.accounts SET password_hash = cryptography.crypt({0}, cryptography.gen_salt('bf', 4)) WHERE user_name = {0}"
    )
    _execute(stack, statement.format(sql.Literal(_account(stack))))


def _accounts(stack: Stack) -> str:
    database: Postgres = _need(stack.postgres, "database")
    with psycopg.connect(database.admin_dsn) as connection:
        return str(connection.execute("SELECT user_name FROM authentication.accounts ORDER BY 1").fetchall())


def _let_support_in(stack: Stack, state: State) -> None:
    del state
    statement = sql.SQL(
        "INSERT INTO authentication.accounts (organization_id, user_name, password_hash)"
        " SELECT organization_id, {0}, cryptography.crypt({0}, cryptography.gen_salt('bf', 4)) FROM authentication.accounts"
        " WHERE user_name = {1} ON CONFLICT (user_name) DO NOTHING"
    )
    _execute(stack, statement.format(sql.Literal(_SUPPORT), sql.Literal(_account(stack))))


def _end_support(stack: Stack, state: State) -> None:
    del state
    _execute(stack, sql.SQL("DELETE FROM authentication.accounts WHERE user_name = {}").format(sql.Literal(_SUPPORT)))


MUTANTS: Final = (
    Mutant(
        id="MUT-SEC-DEF-07",
        title="the support team has an account of its own in a tenant, whose password is its name",
        scope=Scope.DATABASE,
        controls=("SEC-DEF-01",),
        plant=_let_support_in,
        confirm=lambda stack, _state: f"('{_SUPPORT}',)" in _accounts(stack),
        revert=_end_support,
        fingerprint=_accounts,
    ),
    Mutant(
        id="MUT-SEC-ANO-08",
        title="a bucket was made public for a web site that shows its images",
        scope=Scope.STORE,
        controls=("SEC-ANO-01",),
        plant=_publish,
        confirm=lambda stack, _state: bool(_policy(stack)),
        revert=_unpublish,
        fingerprint=_policy,
    ),
    Mutant(
        id="MUT-SEC-ANO-09",
        title="logins of the consensus store were switched off for a migration, and not on again",
        scope=Scope.STORE,
        controls=("SEC-ANO-01",),
        plant=_disable_logins,
        confirm=_logins_are_off,
        revert=_enable_logins,
        fingerprint=lambda stack: str(_logins_are_off(stack, {})),
    ),
    Mutant(
        id="MUT-SEC-ANO-10",
        title="the secret store shows its engines to everybody, so that the log-in page can list them",
        scope=Scope.STORE,
        controls=("SEC-ANO-01",),
        plant=_show_mounts,
        confirm=lambda stack, _state: _shown_mounts(stack) != "[]",
        revert=_hide_mounts,
        fingerprint=_shown_mounts,
    ),
    Mutant(
        id="MUT-SEC-DEF-06",
        title="a tenant's account was reset to its own name as its password",
        scope=Scope.DATABASE,
        controls=("SEC-DEF-01",),
        prepare=lambda stack: {"hash": _hash(stack)},
        plant=_name_as_password,
        confirm=lambda stack, state: _hash(stack) != state["hash"],
        revert=lambda stack, state: _set_hash(stack, state["hash"]),
        fingerprint=_hash,
    ),
    Mutant(
        id="MUT-SEC-DEF-02",
        title="the broker's user guest is back, with its password",
        scope=Scope.STORE,
        controls=("SEC-DEF-01",),
        plant=_create_guest,
        confirm=lambda stack, _state: _GUEST in _broker_users(stack),
        revert=_remove_guest,
        fingerprint=_broker_users,
    ),
    Mutant(
        id="MUT-SEC-DEF-03",
        title="somebody added a login root with the password root to the secret store, for emergencies",
        scope=Scope.STORE,
        controls=("SEC-LOG-02",),
        plant=_add_root,
        confirm=_has_root,
        revert=_remove_method,
        fingerprint=_methods,
    ),
    Mutant(
        id="MUT-SEC-DEF-05",
        title="a database login got its own name as its password",
        scope=Scope.DATABASE,
        controls=("SEC-DEF-01",),
        prepare=lambda stack: {"verifier": _verifier(stack)},
        plant=lambda stack, _state: _set_password(stack, _LOGIN),
        confirm=lambda stack, state: _verifier(stack) != state["verifier"],
        revert=lambda stack, state: _set_password(stack, state["verifier"]),
        fingerprint=_verifier,
    ),
)
