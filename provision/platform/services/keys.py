"""The issuer's keys: its own pair, what it publishes of it (RFC 7517), and the copy that others fetch."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import ssl
import time
from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers

from provision.platform.services.problem import unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG: Final = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
# An unknown key id makes us ask again, but not for every forged token.
_AGAIN_SECONDS: Final = 5.0
_FRESH_SECONDS: Final = 60.0


class Jwk(msgspec.Struct, frozen=True):
    """One public RSA key."""

    kid: str
    n: str
    e: str
    kty: str = "RSA"
    use: str = "sig"
    alg: str = "RS256"


class Jwks(msgspec.Struct, frozen=True):
    """The issuer's public keys."""

    keys: list[Jwk]


def load_private(pem: str) -> RSAPrivateKey:
    """Read an RSA key; TypeError when the PEM holds another kind."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        msg = f"the signing key is a {type(key).__name__}, expected RSA; remove the secret and bring identity up again"
        raise TypeError(msg)
    return key


def published(key: RSAPublicKey) -> Jwk:
    """Describe a public key; its id is its thumbprint (RFC 7638)."""
    numbers = key.public_numbers()
    e, n = _encode(numbers.e), _encode(numbers.n)
    thumbprint = hashlib.sha256(f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'.encode()).digest()
    return Jwk(kid=base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode(), n=n, e=e)


class OwnKeys:
    """The issuer's keys, as it knows them itself."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        """Take them by id."""
        self._keys = keys

    async def find(self, kid: str) -> RSAPublicKey | None:
        """Return the key of that id."""
        return self._keys.get(kid)


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
            jwks = msgspec.json.decode(await response.read(), type=Jwks)
        self._keys = {key.kid: RSAPublicNumbers(_decode(key.e), _decode(key.n)).public_key() for key in jwks.keys}

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
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as problem:
            LOG.warning("the issuer's keys cannot be fetched, those of before stay good: %s", type(problem).__name__)


def _encode(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
