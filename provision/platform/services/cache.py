"""Listings kept for a while per tenant; without the cache everything works, only slower."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - it is not the built-in one

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOG: Final = logging.getLogger(__name__)
Result = TypeVar("Result")
SECONDS: Final = 30
_TIMEOUT: Final = 0.25
_PAUSE_SECONDS: Final = 1.0
_GENERATION_SECONDS: Final = 24 * 3600


class Cache:
    """What a tenant's listing was, under a generation that every write of the tenant ends.

    A listing that was read before a write carries the old generation and is never served
    after it, however late it is stored.
    """

    name = "cache"
    required = False

    def __init__(self, url: str, ca: str) -> None:
        """Take the server's address with its credentials, and who vouches for it."""
        self._url = url
        self._ca = ca
        self._away_until = 0.0
        self._unended: set[str] = set()

    async def open(self) -> None:
        """Make the client; it connects when it is used."""
        self._redis = Redis.from_url(
            self._url,
            ssl_ca_certs=self._ca,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),  # once, on a connection that the server has closed
            max_connections=256,
            driver_info=None,  # it would look its own version up in files, at every connection
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def check(self) -> None:
        """Ask the server; raises when it does not answer."""
        await self._redis.ping()

    async def find(self, tenant: str, name: str) -> tuple[bytes | None, bytes | None]:
        """Return the tenant's generation and, when it is of that generation, the listing."""
        if tenant in self._unended:
            await self.end_generation(tenant)
        found = await self._ask(lambda: self._redis.mget(_generation(tenant), f"{tenant}:listing:{name}"))
        # The client answers bytes, because it was not told to decode.
        generation, kept = cast("tuple[bytes | None, bytes | None]", found or (None, None))
        if found is None:
            return None, None
        if generation is None:
            await self.end_generation(tenant)
            return None, None
        if kept is not None and kept.startswith(generation):
            return generation, kept[len(generation) :]
        return generation, None

    async def keep(self, tenant: str, name: str, *, generation: bytes, listing: bytes) -> None:
        """Keep a listing that was read in this generation."""
        await self._ask(lambda: self._redis.set(f"{tenant}:listing:{name}", generation + listing, ex=SECONDS))

    async def end_generation(self, tenant: str) -> None:
        """Make every listing of the tenant stale; what cannot be done now is done before the next look."""
        done = await self._ask(lambda: self._redis.set(_generation(tenant), secrets.token_bytes(16), ex=_GENERATION_SECONDS))
        if done:
            self._unended.discard(tenant)
        else:
            self._unended.add(tenant)

    async def _ask(self, question: Callable[[], Awaitable[Result]]) -> Result | None:
        """Ask; None when the server does not answer.  While it is away, one request a second tries it."""
        now = time.monotonic()
        if now < self._away_until:
            return None
        if self._away_until:
            self._away_until = now + _PAUSE_SECONDS
        try:
            answer = await question()
        except (RedisError, OSError) as problem:
            self._is_away(now, problem)
            return None
        self._away_until = 0.0
        return answer

    def _is_away(self, now: float, problem: Exception) -> None:
        if not self._away_until:
            LOG.warning("the cache does not answer, going on without it: %s", type(problem).__name__)
        self._away_until = now + _PAUSE_SECONDS


def _generation(tenant: str) -> str:
    return f"{tenant}:listing-generation"
