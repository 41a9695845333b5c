"""Whether somebody who has left is still let in anywhere: every login and token that the tenant had."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import redis.exceptions
from minio.error import S3Error

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import broker as brokers
from constat.observe import cache as caches
from constat.observe import http, objects, vault
from suites.security.strangers import web
from suites.tenancy.gateway.stage import entries
from suites.tenancy.residue.living import vault_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.stack import Stack
    from suites.tenancy.gateway.resident import Resident

    Door = tuple[str, Callable[[], Answer]]

REFUSALS = frozenset({"http 400", "http 401", "http 403", "http 404", "wrong password", "InvalidAccessKeyId", "AccessDenied"})


def doors(stack: Stack, resident: Resident) -> Iterator[Door]:
    """Each way in that the tenant had, as something to try: once while it lives, and again when it has left."""
    tenant = stack.tenants[resident.tenant]
    yield "the API, with its token", lambda: _token(stack, resident.token)
    yield "the API, by signing in", lambda: _sign_in(stack, resident)
    if stack.objects is not None:
        yield "the object store", lambda: _objects(stack, resident.tenant)
    if stack.cache is not None:
        yield "the cache", lambda: _cache(stack, resident.tenant)
    if stack.broker is not None:
        yield "the broker", lambda: _broker(stack, resident.tenant)
    if stack.vault is not None:
        token = vault_token(stack, tenant)
        yield "the secret store, with its token", lambda: _vault_token(stack, token)
        yield "the secret store, by its role", lambda: _vault_role(stack, resident.tenant)


def _token(stack: Stack, token: str) -> Answer:
    base = next((url for name, url in entries(stack).items() if name.endswith("https")), next(iter(entries(stack).values()), ""))
    with http.client(http.authority(stack), base, headers={"Authorization": f"Bearer {token}"}) as client:
        return _of(http.ask(client, "GET", "/api/properties"))


def _sign_in(stack: Stack, resident: Resident) -> Answer:
    with http.client(http.authority(stack), stack.gateway.url if stack.gateway else "") as client:
        return _of(http.ask(client, "POST", web.SIGN_IN, value={"user": resident.user, "password": resident.password}))


def _objects(stack: Stack, name: str) -> Answer:
    assert stack.objects is not None  # it was asked for because there is one
    client = objects.connect(stack.objects, stack.tenants[name].objects)
    refused = Answer(kind="AccessDenied")
    for bucket in stack.objects.buckets:
        try:
            next(iter(client.list_objects(bucket, prefix=f"{name}/")), None)
        except S3Error as problem:
            refused = Answer(kind=str(problem.code))
        except objects.REFUSED as problem:
            msg = f"the object store does not answer: {problem}"
            raise Unobservable(msg) from None
        else:
            return Answer(kind="ok")
    return refused


def _cache(stack: Stack, name: str) -> Answer:
    assert stack.cache is not None  # likewise
    login = stack.tenants[name].cache
    try:
        with closing(caches.connect(stack.cache, login.user, login.password)) as memory:
            memory.get(f"{name}:anything")
    except redis.exceptions.AuthenticationError:
        return Answer(kind="wrong password")
    except (redis.exceptions.RedisError, OSError) as problem:
        msg = f"the cache does not answer: {problem}"
        raise Unobservable(msg) from None
    return Answer(kind="ok")


def _broker(stack: Stack, name: str) -> Answer:
    """By the management API, which knows the same users."""
    assert stack.broker is not None  # likewise
    if name not in brokers.users(stack.broker):
        return Answer(kind="wrong password")
    return Answer(kind="ok", shown="the user is there")


def _vault_token(stack: Stack, token: str) -> Answer:
    assert stack.vault is not None  # likewise
    with vault.connect(stack.vault, token=token) as client:
        return _of(http.ask(client, "GET", "auth/token/lookup-self"))


def _vault_role(stack: Stack, name: str) -> Answer:
    assert stack.vault is not None  # likewise
    login = stack.tenants[name].vault
    with vault.connect(stack.vault) as client:
        return _of(http.ask(client, "POST", "auth/approle/login", value={"role_id": login.role_id, "secret_id": login.secret_id}))


def _of(reply: http.Reply) -> Answer:
    return Answer(kind="ok" if reply.is_success else f"http {reply.status}", shown="" if reply.is_success else reply.text[:160])
