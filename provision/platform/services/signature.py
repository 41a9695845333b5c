"""AWS Signature Version 4 for S3, as the object store asks for it (SigV4, single chunk)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

EMPTY: Final = hashlib.sha256(b"").hexdigest()
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Identity(NamedTuple):
    """Who signs, and for which region."""

    access_key: str
    secret_key: str
    region: str


def signed(
    identity: Identity,
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    digest: str,
    now: datetime.datetime,
) -> dict[str, str]:
    """Return the headers with the signature; `path` is percent-encoded, `headers` has Host, `digest` is the body's SHA-256."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    every = {**{name.lower(): value for name, value in headers.items()}, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(every))
    canonical = "\n".join((method, path, "", *(f"{name}:{every[name]}" for name in sorted(every)), "", names, digest))
    scope = f"{stamp[:8]}/{identity.region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_key(identity, scope), text.encode(), "sha256").hex()
    credential = f"{identity.access_key}/{scope}"
    return {**every, "authorization": f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"}


def _key(identity: Identity, scope: str) -> bytes:
    key = f"AWS4{identity.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
