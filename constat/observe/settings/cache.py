"""What the cache runs with: every setting, every user's rules, every module."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.observe import cache as caches
from constat.settings import fingerprint, flat

if TYPE_CHECKING:
    from constat.settings import Settings
    from constat.stack import Cache

_HASH: Final = re.compile(r"#([0-9a-f]{64})")


def settings(cache: Cache) -> Settings:
    """CONFIG GET *, ACL LIST and MODULE LIST; a password is known by its fingerprint."""
    told = caches.ask(cache, "CONFIG GET", "*")
    said = dict(flat({str(name): value for name, value in told.items()}))
    for user in caches.users(cache):
        said[f"user {user.name}"] = _HASH.sub(lambda match: fingerprint(match[1]), user.rules)
    return said | {"modules": ", ".join(sorted(str(module) for module in caches.ask(cache, "MODULE LIST"))) or "none"}
