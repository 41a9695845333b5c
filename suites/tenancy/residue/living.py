"""A tenant that lives for a moment: it leaves its canary in every store that it has an identity in, by its own logins.

What it calls things by holds its name and never its canary: names are written down in logs, and data must not be.
"""

from __future__ import annotations

import io
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import redis.exceptions
from minio.error import MinioException

from constat.errors import Unobservable
from constat.observe import cache as caches
from constat.observe import http, objects, vault
from suites.tenancy.gateway.door import Door
from suites.tenancy.gateway.stage import described, settle, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from constat.stack import Stack, Tenant
    from suites.tenancy.gateway.resident import Resident


def lives(stack: Stack, name: str, canary: str) -> Resident:
    """Use every service and every store as the tenant; Unobservable when one does not let it."""
    ca, tenant = http.authority(stack), stack.tenants[name]
    resident = signed_in(stack, ca, name, canary)
    with ExitStack() as opened:
        direct = {service: opened.enter_context(Door(service, ca, url)) for service, url in stack.services.items()}
        settle(resident, described(stack, ca), direct)
    for used in (_objects, _cache, _vault):
        used(stack, name, tenant, canary)
    return resident


def _objects(stack: Stack, name: str, tenant: Tenant, canary: str) -> None:
    """Two versions, one deleted, and an upload that was never finished, wherever its own keys let it."""
    if (store := stack.objects) is None:
        return
    client, written = objects.connect(store, tenant.objects), 0
    for bucket in store.buckets:
        key = f"{name}/note.txt"
        try:
            for text in (canary, f"{canary} again"):
                client.put_object(bucket, key, io.BytesIO(text.encode()), len(text))
            client.put_object(bucket, f"{name}/deleted.txt", io.BytesIO(canary.encode()), len(canary))
            client.remove_object(bucket, f"{name}/deleted.txt")
            client._create_multipart_upload(bucket, f"{name}/unfinished.bin", {})  # noqa: SLF001 - the SDK finishes its own
            written += 1
        except MinioException:
            continue  # not a bucket for tenants
    if not written:
        msg = f"{name!r} can write to none of the buckets {store.buckets!r} with its own keys"
        raise Unobservable(msg)


def _cache(stack: Stack, name: str, tenant: Tenant, canary: str) -> None:
    """A plain value, a list and a field."""
    if stack.cache is None:
        return
    acts: tuple[Callable[[Redis], object], ...] = (
        lambda memory: memory.set(f"{name}:note", canary),
        lambda memory: memory.rpush(f"{name}:list", canary),
        lambda memory: memory.hset(f"{name}:fields", canary, canary),
    )
    try:
        with closing(caches.connect(stack.cache, tenant.cache.user, tenant.cache.password)) as memory:
            for act in acts:
                act(memory)
    except redis.exceptions.RedisError as problem:
        msg = f"{name!r} cannot use the cache: {problem}"
        raise Unobservable(msg) from None


def _vault(stack: Stack, name: str, tenant: Tenant, canary: str) -> None:
    """A secret, in two versions."""
    if (secrets := stack.vault) is None:
        return
    token = vault_token(stack, tenant)
    with vault.connect(secrets, token=token) as client:
        for text in (canary, f"{canary} again"):
            path = f"{secrets.mount}/data/tenants/{name}/note"
            http.expect(http.ask(client, "POST", path, value={"data": {"note": text}}), what=f"{name}'s secret")


def vault_token(stack: Stack, tenant: Tenant) -> str:
    """What the tenant's role is given; Unobservable when it is refused."""
    assert stack.vault is not None  # whoever asks has looked
    login = {"role_id": tenant.vault.role_id, "secret_id": tenant.vault.secret_id}
    with vault.connect(stack.vault) as client:
        reply = http.expect(http.ask(client, "POST", "auth/approle/login", value=login), what="the tenant's role")
    return str(reply.json()["auth"]["client_token"])
