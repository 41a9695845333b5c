"""The issuer's public keys, fetched from where it publishes them and kept while it is away."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec

from provision.platform.services.keys import Jwks, public_keys
from provision.platform.services.problem import unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

LOG: Final = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
# An unknown key id makes us ask again, but not for every forged token.
_AGAIN_SECONDS: Final = 5.0
_FRESH_SECONDS: Final = 60.0


class FetchedKeys:
    """The issuer's keys, fetched from where it publishes them and kept while it is away."""

    name = "identity"
    required = True

    def __init__(self, url: str, ca: str) -> None:
        """Take the address of the key set, and who vouches for the server."""
        self._url = url
        self._ca = ca
        self._keys: dict[str, RSAPublicKey] = {}
        self._asked = float("-inf")
        self._away = False

    async def open(self) -> None:
        """Begin to fetch the keys, again and again; does not wait for the first."""
        context = ssl.create_default_context(cafile=self._ca)
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=_TIMEOUT)
        self._fetching = asyncio.create_task(self._fetch_for_ever())

    async def close(self) -> None:
        """Stop, and close the client."""
        self._fetching.cancel()
        await self._client.close()

    async def check(self) -> None:
        """Fetch the keys; raises when the issuer does not answer."""
        self._asked = time.monotonic()
        async with self._client.get(self._url) as response:
            response.raise_for_status()
            self._keys = public_keys(msgspec.json.decode(await response.read(), type=Jwks))

    async def find(self, kid: str) -> RSAPublicKey | None:
        """Return the key of that id; Problem 503 when no key was ever fetched."""
        if kid not in self._keys and time.monotonic() - self._asked > _AGAIN_SECONDS:
            await self._fetch()
        if not self._keys:
            raise unavailable(self.name)
        return self._keys.get(kid)

    async def _fetch_for_ever(self) -> None:
        while True:
            await self._fetch()
            await asyncio.sleep(_FRESH_SECONDS if self._keys else _AGAIN_SECONDS / 10)

    async def _fetch(self) -> None:
        try:
            await self.check()
            self._away = False
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError) as problem:
            if not self._away:
                LOG.warning("the issuer's keys cannot be fetched, those of before stay good: %s", type(problem).__name__)
            self._away = True
