"""Strangers at the object store: list, read, write and delete in every bucket, without a signature."""

from __future__ import annotations

import contextlib
import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http
from constat.observe import objects as stores
from constat.observe.objects import REFUSED
from suites.security.approach import OK, acts, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from minio import Minio

    from constat.attempt import Admission
    from constat.observe.objects import Bucket
    from constat.stack import Objects
    from suites.security.approach import Ground

REFUSALS: Final = frozenset({"http 401", "http 403"})
_REDIRECTS: Final = 300
_MISSING: Final = 404


@dataclass(frozen=True, kw_only=True)
class Stand:
    """An object that is really there, and a key at which there is nothing."""

    bucket: str
    key: str
    absent: str


@contextlib.contextmanager
def stand(ground: Ground, bucket: Bucket) -> Iterator[Stand]:
    """Put an object there for as long as the attack lasts; a bucket that would keep it is attacked with what it has."""
    objects = required(ground.stack.objects, "object store")
    client = stores.connect(objects, objects.admin)
    mine = f"{ground.tenant}/constat-{ground.canary}"
    place = Stand(bucket=bucket.name, key=_oldest(objects, bucket.name) if bucket.is_locked else mine, absent=f"{mine}-stranger")
    try:
        if not bucket.is_locked:
            _put(client, place)
        yield place
    finally:
        for key in {mine, place.absent}:
            remove(objects, bucket.name, key)


def approach(ground: Ground, place: Stand) -> Iterator[Admission]:
    """Every operation on the bucket and on an object; the administrator lists and reads by the same path."""
    objects = required(ground.stack.objects, "object store")
    bucket, key = f"/{place.bucket}", f"/{place.bucket}/{place.key}"
    asked = (
        *(("GET", bucket, query) for query in ("", "list-type=2", "versions", "uploads", "policy", "acl", "versioning", "lifecycle")),
        *(("GET", key, query) for query in ("", "tagging", "acl")),
        ("HEAD", key, ""),
        ("PUT", f"/{place.bucket}/{place.absent}", ""),
        ("POST", f"/{place.bucket}/{place.absent}", "uploads"),
        ("DELETE", f"/{place.bucket}/{place.absent}", ""),
    )
    with http.client(objects.ca, objects.endpoint) as client:
        tried = [(_line(*request), functools.partial(_asked, client, *request)) for request in asked]
        yield from acts(f"bucket {place.bucket}", _administrator(objects, place), tried, refusals=REFUSALS)


def remove(objects: Objects, bucket: str, key: str) -> None:
    """Remove every version of an object, also where the bucket would keep it: nobody but the harness knows the key."""
    client = stores.connect(objects, objects.admin)
    for version in stores.stored(objects, bucket, key):
        if version.key == key:
            client.remove_object(bucket, key, version_id=version.version)


def _oldest(objects: Objects, bucket: str) -> str:
    found = stores.stored(objects, bucket, "", at_most=1)
    return found[0].key if found else "nothing-is-here"


def _put(client: Minio, place: Stand) -> None:
    try:
        client.put_object(place.bucket, place.key, io.BytesIO(b"constat"), length=7)
    except REFUSED as problem:
        msg = f"the administrator cannot write to bucket {place.bucket!r}: {problem}"
        raise Unobservable(msg) from None


def _administrator(objects: Objects, place: Stand) -> Answer:
    client = stores.connect(objects, objects.admin)
    try:
        listed = sum(1 for _ in client.list_objects(place.bucket, prefix=place.key))
        size = client.stat_object(place.bucket, place.key).size if listed else 0
    except REFUSED as problem:
        return Answer(kind="refused", shown=str(problem))
    return Answer(kind=OK, shown=f"lists {listed} objects, reads {size} bytes")


def _asked(client: httpx.Client, method: str, path: str, query: str) -> Answer:
    """`ok` when the server went as far as to look: what is not there is told only to who may know."""
    reply = http.ask(client, method, path + (f"?{query}" if query else ""), content=b"stranger" if method == "PUT" else None)
    is_open = reply.status < _REDIRECTS or reply.status == _MISSING
    return Answer(kind=OK if is_open else f"http {reply.status}", shown=reply.text[:200])


def _line(method: str, path: str, query: str) -> str:
    return f"{method} {path}" + (f"?{query}" if query else "")
