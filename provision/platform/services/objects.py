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
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3
from yarl import URL

from provision.platform.services.problem import not_found, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.platform.services.settings import Store

LOG: Final = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=2)
_STORE: Final = "object store"
_EMPTY: Final = hashlib.sha256(b"").hexdigest()


class Objects:
    """One bucket; the caller's key always begins with the tenant's name."""

    name = "objects"
    required = True

    def __init__(self, store: Store, ca: str) -> None:
        """Take where the bucket is with the identity to sign with, and who vouches for the server."""
        self._base = f"{store.endpoint}/{store.bucket}"
        self._ca = ca
        self._credentials = Credentials(store.access_key, store.secret_key)
        self._region = store.region

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
        await self._ask("HEAD", "")

    async def put(self, key: str, content: bytes, media_type: str) -> None:
        """Store an object; Problem 503 when the store did not take it."""
        await self._ask("PUT", key, content=content, headers={"Content-Type": media_type})

    async def get(self, key: str) -> bytes:
        """Return an object's bytes; Problem 404 when there is none."""
        return await self._ask("GET", key)

    async def remove(self, key: str) -> None:
        """Remove an object; it may be gone already."""
        await self._ask("DELETE", key)

    async def _ask(self, method: str, key: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        url = f"{self._base}/{quote(key)}" if key else self._base
        signed = self._signed(method, url, content=content, headers=headers or {})
        try:
            async with self._client.request(method, URL(url, encoded=True), data=content or None, headers=signed) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise unavailable(_STORE) from problem
        if response.status == HTTPStatus.NOT_FOUND:
            raise not_found()
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            LOG.warning("the object store answers %s with %d", method, response.status)
            raise unavailable(_STORE)
        return body

    def _signed(self, method: str, url: str, *, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        digest = hashlib.sha256(content).hexdigest() if content else _EMPTY
        now = datetime.datetime.now(datetime.UTC)
        parts = urlsplit(url)
        signed = sign_v4_s3(
            method=method,
            url=parts,
            region=self._region,
            headers={**headers, "Host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")},
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )
        return {name: str(value) for name, value in signed.items()}
