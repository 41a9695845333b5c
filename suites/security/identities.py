"""Identities: everybody whom a store knows, by the store's own word."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe import broker, cache, postgres, vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

    Listed = Callable[[], frozenset[str]]

WEB_FILE: Final = "web.config.yml"
_LOGINS: Final = re.compile(r"(?ms)^basic_auth_users:\s*\n((?:[ \t]+.*\n?)+)")
_NAME: Final = re.compile(r"^[ \t]+[\"']?([^\s\"':#]+)[\"']?\s*:", re.MULTILINE)


def stores(stack: Stack) -> dict[str, Listed]:
    """How the identities of each store that the stack has are listed; each raises Unobservable when the store does not say."""
    found: dict[str, Listed] = {}
    if (database := stack.postgres) is not None:
        found["pooler"] = functools.partial(postgres.pooler_users, database)
    if database is not None and "identity" in stack.services:
        found["accounts"] = functools.partial(postgres.accounts, database)
    if (queue := stack.broker) is not None:
        found["broker"] = lambda: frozenset(broker.users(queue))
    if (kept := stack.cache) is not None:
        found["cache"] = lambda: frozenset(user.name for user in cache.users(kept))
    if (secrets := stack.vault) is not None:
        found["vault"] = lambda: vault.identities(secrets)
    if stack.objects is not None and _files(stack, "identities.json"):
        found["objects"] = functools.partial(_read, stack, "identities.json", of_objects)
    if stack.metrics is not None and _files(stack, WEB_FILE):
        found["web"] = functools.partial(_read, stack, WEB_FILE, of_web)
    return found


def of_tenants(stack: Stack) -> frozenset[str]:
    """What the test tenants are called in any store."""
    tenants = stack.tenants.items()
    return frozenset(name for key, tenant in tenants for name in (key, tenant.api.user, tenant.cache.user, tenant.broker.user))


def of_objects(text: str) -> frozenset[str]:
    """Everybody in the object store's own list."""
    return frozenset(str(identity["name"]) for identity in json.loads(text).get("identities", ()))


def of_web(text: str) -> frozenset[str]:
    """Everybody with a password in a web configuration of Prometheus' family."""
    match = _LOGINS.search(text)
    return frozenset(_NAME.findall(match[1])) if match else frozenset()


def at_web_server(stack: Stack, node: str) -> frozenset[str]:
    """Everybody who may log in to the web server of one node, by its own configuration; nobody where it has none."""
    return _read(stack, WEB_FILE, of_web, node=node)


def _files(stack: Stack, name: str, node: str = "*") -> list[Path]:
    return sorted(Path(stack.run_dir).glob(f"{node}/{name}"))


def _read(stack: Stack, name: str, of: Callable[[str], frozenset[str]], node: str = "*") -> frozenset[str]:
    try:
        return frozenset(who for path in _files(stack, name, node) for who in of(path.read_text("utf-8")))
    except (OSError, ValueError) as problem:
        msg = f"{name!r} cannot be read: {problem}; run as root"
        raise Unobservable(msg) from None
