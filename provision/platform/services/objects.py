"""The object store, spoken to over S3 with signed requests."""

from __future__ import annotations

import datetime
import hashlib
import logging
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from provision.platform.services import signature
from provision.platform.services.problem import not_found, unavailable

if TYPE_CHECKING:
    from provision.platform.services.settings import Store

LOG: Final = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=2)
_STORE: Final = "object store"


class Objects:
    """One bucket; the caller's key always begins with the tenant's name."""

    name = "objects"
    required = True

    def __init__(self, store: Store, ca: str) -> None:
        """Take where the bucket is with the identity to sign with, and who vouches for the server."""
        self._endpoint = store.endpoint
        self._host = urlsplit(store.endpoint).netloc
        self._bucket = f"/{store.bucket}"
        self._identity = signature.Identity(store.access_key, store.secret_key, store.region)
        self._ca = ca

    async def open(self) -> None:
        """Make the client; it connects when it is used."""
        context = ssl.create_default_context(cafile=self._ca)
        connector = aiohttp.TCPConnector(ssl=context, limit=32)
        self._client = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def check(self) -> None:
        """Ask for the bucket; raises when it does not answer."""
        await self._ask("HEAD", self._bucket)

    async def put(self, key: str, content: bytes, media_type: str) -> None:
        """Store an object; Problem 503 when the store did not take it."""
        await self._ask("PUT", self._path(key), content=content, media_type=media_type)

    async def get(self, key: str) -> bytes:
        """Return an object's bytes; Problem 404 when there is none."""
        return await self._ask("GET", self._path(key))

    async def remove(self, key: str) -> None:
        """Remove an object; it may be gone already."""
        await self._ask("DELETE", self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._bucket}/{quote(key)}"

    async def _ask(self, method: str, path: str, *, content: bytes = b"", media_type: str = "application/octet-stream") -> bytes:
        digest = hashlib.sha256(content).hexdigest() if content else signature.EMPTY
        said = {"Host": self._host, "Content-Type": media_type}
        headers = signature.signed(self._identity, method, path, said, digest=digest, now=datetime.datetime.now(datetime.UTC))
        url = URL(f"{self._endpoint}{path}", encoded=True)
        try:
            async with self._client.request(method, url, data=content or None, headers=headers) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise unavailable(_STORE) from problem
        if response.status == HTTPStatus.NOT_FOUND:
            raise not_found()
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            LOG.warning("the object store answers %s with %d", method, response.status)
            raise unavailable(_STORE)
        return body
