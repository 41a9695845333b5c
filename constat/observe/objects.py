"""Facts of the object store: its version, its buckets, and whether what is written to one can be removed again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from constat.stack import KeyPair, Objects

# `SeaweedFS 8000GB 4.48`, `MinIO/RELEASE.2024-01-01T00-00-00Z`.
_SERVER: Final = re.compile(r"(?:^|[ /])(\d+(?:\.\d+)+)\b")
_AT_ONCE: Final = 4  # connections that one client keeps
_NO_LOCK: Final = frozenset({"ObjectLockConfigurationNotFoundError", "NotImplemented", "NoSuchObjectLockConfiguration"})
# urllib3's errors are what the SDK lets through when nobody answers.
REFUSED: Final = (MinioException, urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket; `is_locked` where what is written stays for a while, whoever wants it gone."""

    name: str
    is_locked: bool


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One version of an object, or the mark that it was deleted."""

    key: str
    version: str | None


def connect(objects: Objects, keys: KeyPair) -> Minio:
    """Speak to the store with an identity; nothing is retried."""
    wait = urllib3.Timeout(connect=deadlines.PROBE_CONNECT, read=deadlines.SERVICE_ANSWERS)
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=objects.ca, retries=False, timeout=wait, maxsize=_AT_ONCE)
    parts = urlsplit(objects.endpoint)
    return Minio(parts.netloc, access_key=keys.access_key, secret_key=keys.secret_key, region=objects.region, http_client=pool)


def version(objects: Objects) -> str:
    """The version that the server names in its answers; Unobservable when it names none."""
    with http.client(objects.ca, objects.endpoint) as client:
        server = http.ask(client, "GET", "/").headers.get("server", "")
    if (match := _SERVER.search(server)) is None:
        msg = f"the object store's answer names no version: header Server is {server!r}"
        raise Unobservable(msg)
    return match[1]


def buckets(objects: Objects) -> tuple[Bucket, ...]:
    """Every bucket that the administrator sees."""
    client = connect(objects, objects.admin)
    try:
        return tuple(Bucket(name=str(bucket.name), is_locked=_is_locked(client, str(bucket.name))) for bucket in client.list_buckets())
    except REFUSED as problem:
        msg = f"buckets cannot be listed: {problem}"
        raise Unobservable(msg) from None


def stored(objects: Objects, bucket: str, prefix: str, *, at_most: int = 1000, client: Minio | None = None) -> tuple[Stored, ...]:
    """Versions of objects below a prefix, the administrator's view; who looks often keeps a client, which keeps its connections."""
    speaking = client or connect(objects, objects.admin)
    try:
        found = speaking.list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
        return tuple(Stored(key=str(item.object_name), version=item.version_id) for item, _ in zip(found, range(at_most), strict=False))
    except REFUSED as problem:
        msg = f"objects below {prefix!r} in bucket {bucket!r} cannot be listed: {problem}"
        raise Unobservable(msg) from None


def policy(objects: Objects, bucket: str) -> str:
    """The bucket's policy as JSON; empty where there is none."""
    try:
        return str(connect(objects, objects.admin).get_bucket_policy(bucket))
    except S3Error as problem:
        if problem.code == "NoSuchBucketPolicy":
            return ""
        msg = f"the policy of bucket {bucket!r} cannot be read: {problem}"
        raise Unobservable(msg) from None


def _is_locked(client: Minio, bucket: str) -> bool:
    try:
        # The SDK fails with a TypeError on a lock without a default retention, which keeps nothing by itself.
        return client.get_object_lock_config(bucket).mode is not None
    except S3Error as problem:
        if problem.code in _NO_LOCK:
            return False
        raise
