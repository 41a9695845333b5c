"""Identities and openings that were made by hand, each with a good password: what no guess finds."""

from __future__ import annotations

import functools
import json
import secrets
import ssl
from typing import TYPE_CHECKING, Final

import psycopg
from minio.error import S3Error

from constat import wait
from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import broker, http, objects, vault
from constat.observe.replication import node_dsn
from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from minio import Minio

    from constat.stack import Broker, Postgres, Stack, Vault

_USER: Final = "constat-ops"
_OLD: Final = ("ssl_min_protocol_version", "ssl_ciphers")


def _broker(stack: Stack) -> Broker:
    return needed(stack.broker, "broker")


def _vault(stack: Stack) -> Vault:
    return needed(stack.vault, "secret store")


def _database(stack: Stack) -> Postgres:
    return needed(stack.postgres, "database")


def _add_user(stack: Stack, state: State) -> None:
    del state  # there was no such user
    with broker.management(_broker(stack)) as client:
        value = {"password": secrets.token_urlsafe(24), "tags": "administrator"}
        http.expect(http.ask(client, "PUT", f"/api/users/{_USER}", value=value), what="a new user")


def _remove_user(stack: Stack, state: State) -> None:
    del state  # there was no such user
    with broker.management(_broker(stack)) as client:
        http.ask(client, "DELETE", f"/api/users/{_USER}")


def _issue(stack: Stack, state: State) -> None:
    del state  # it is found by its name
    kept = _vault(stack)
    with vault.connect(kept, token=kept.admin_token) as client:
        value = {"policies": ["default"], "display_name": _USER, "period": "768h"}
        http.expect(http.ask(client, "POST", "auth/token/create-orphan", value=value), what="a token")


def _revoke(stack: Stack, state: State) -> None:
    del state  # it is found by its name
    kept = _vault(stack)
    with vault.connect(kept, token=kept.admin_token) as client:
        for accessor in vault.names(kept, "auth/token/accessors"):
            reply = http.ask(client, "POST", "auth/token/lookup-accessor", value={"accessor": accessor})
            if _USER in reply.text:
                http.ask(client, "POST", "auth/token/revoke-accessor", value={"accessor": accessor})


def _tokens(stack: Stack) -> str:
    return str(sorted(vault.identities(_vault(stack))))


def _store(stack: Stack) -> tuple[Minio, str, str]:
    """The administrator, a bucket that tenants write to, and the prefix of the last tenant."""
    if stack.objects is None or not stack.tenants:
        msg = "the stack has no object store, or no tenants in it"
        raise Unobservable(msg)
    bucket = max(found.name for found in objects.buckets(stack.objects) if not found.is_locked)
    return objects.connect(stack.objects, stack.objects.admin), bucket, max(stack.tenants)


def _publish(stack: Stack, state: State) -> None:
    del state  # there was no policy
    client, bucket, tenant = _store(stack)
    said = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{bucket}/{tenant}/*"]}
    client.set_bucket_policy(bucket, json.dumps({"Version": "2012-10-17", "Statement": [said]}))


def _unpublish(stack: Stack, state: State) -> None:
    del state  # there was no policy
    client, bucket, _ = _store(stack)
    client.delete_bucket_policy(bucket)


def _policy(stack: Stack) -> str:
    client, bucket, _ = _store(stack)
    try:
        return client.get_bucket_policy(bucket)
    except S3Error as problem:
        if problem.code == "NoSuchBucketPolicy":
            return ""
        raise


def _settle(stack: Stack, *statements: str) -> None:
    """On the first server alone, as somebody does who helps one old client."""
    database = _database(stack)
    with psycopg.connect(node_dsn(database, database.nodes[0]), autocommit=True) as connection:
        for statement in (*statements, "SELECT pg_reload_conf()"):
            connection.execute(statement.encode())


def _age(stack: Stack, state: State) -> None:
    del state  # both are reset by name
    _settle(stack, "ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1'", "ALTER SYSTEM SET ssl_ciphers = 'ALL:@SECLEVEL=0'")
    wait.until(functools.partial(_is_aged, stack), what="the server speaks TLS 1.0", within=5, holds=bool)


def _renew(stack: Stack, state: State) -> None:
    del state  # both are reset by name
    _settle(stack, *(f"ALTER SYSTEM RESET {name}" for name in _OLD))
    wait.until(functools.partial(_is_aged, stack), what="the server speaks TLS 1.0 no more", within=5, holds=lambda aged: not aged)


def _is_aged(stack: Stack) -> bool:
    database = _database(stack)
    with psycopg.connect(node_dsn(database, database.nodes[0])) as connection:
        row = connection.execute("SELECT current_setting('ssl_min_protocol_version')").fetchone()
    return row == (ssl.TLSVersion.TLSv1.name,)


MUTANTS: Final = (
    mutant(
        "MUT-SEC-LOG-07",
        "the exporter's login is a superuser, since a new metric asked for it",
        plant="ALTER ROLE monitor SUPERUSER",
        revert="ALTER ROLE monitor NOSUPERUSER",
        holds="SELECT rolsuper FROM pg_roles WHERE rolname = 'monitor'",
        controls=("SEC-LOG-01",),
    ),
    mutant(
        "MUT-SEC-LOG-08",
        "everybody may read the server's files, for an import that ran once",
        plant="GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO PUBLIC",
        revert="REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text) FROM PUBLIC",
        holds="SELECT has_function_privilege('app', 'pg_read_binary_file(text)', 'EXECUTE')",
        controls=("SEC-LOG-01",),
    ),
    mutant(
        "MUT-SEC-LOG-09",
        "the application may enter the maintenance database",
        plant="GRANT CONNECT ON DATABASE postgres TO app",
        revert="REVOKE CONNECT ON DATABASE postgres FROM app",
        holds="SELECT has_database_privilege('app', 'postgres', 'CONNECT')",
        controls=("SEC-LOG-01",),
    ),
    Mutant(
        id="MUT-SEC-LOG-10",
        title="an administrator of the broker was added by hand, with a good password",
        scope=Scope.STORE,
        controls=("SEC-LOG-02",),
        plant=_add_user,
        confirm=lambda stack, _state: _USER in broker.users(_broker(stack)),
        revert=_remove_user,
        fingerprint=lambda stack: str(sorted(broker.users(_broker(stack)))),
    ),
    Mutant(
        id="MUT-SEC-LOG-11",
        title="a token of the secret store that outlives whoever made it was left behind",
        scope=Scope.STORE,
        controls=("SEC-LOG-02",),
        plant=_issue,
        confirm=lambda stack, _state: _USER in _tokens(stack),
        revert=_revoke,
        fingerprint=_tokens,
    ),
    Mutant(
        id="MUT-SEC-ANO-11",
        title="one tenant's objects were made public for a partner",
        scope=Scope.STORE,
        controls=("SEC-ANO-01",),
        plant=_publish,
        confirm=lambda stack, _state: bool(_policy(stack)),
        revert=_unpublish,
        fingerprint=_policy,
    ),
    Mutant(
        id="MUT-SEC-TLS-03",
        title="a database server speaks TLS 1.0 again, for one old client",
        scope=Scope.COMPONENT,
        controls=("SEC-TLS-02",),
        plant=_age,
        confirm=lambda stack, _state: _is_aged(stack),
        revert=_renew,
        fingerprint=lambda stack: str(_is_aged(stack)),
    ),
)
