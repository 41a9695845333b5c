"""Strangers at the object store: list, read, write and delete in every bucket, without a signature."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http
from constat.observe import objects as stores
from constat.observe.objects import REFUSED
from suites.security.approach import OK, acts, required

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx
    from minio import Minio

    from constat.attempt import Admission
    from constat.observe.objects import Bucket
    from constat.stack import Objects
    from suites.security.approach import Ground

_UNNAMED: Final = "nobody is named"
REFUSALS: Final = frozenset({"http 401", "http 403", _UNNAMED})
_READS: Final = (("GET", ""), ("GET", "tagging"), ("GET", "acl"), ("HEAD", ""))
_WRITES: Final = (("PUT", ""), ("POST", "uploads"), ("DELETE", ""))
# How many objects are looked through for classes, and how many classes are attacked.
_SEEN: Final = 1000
_CLASSES: Final = 12
_REDIRECTS: Final = 300
_MISSING: Final = 404


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Objects that are really there, one of each class, and keys at which there is nothing."""

    bucket: str
    keys: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """How the keys begin: what a policy may open by itself."""
        return tuple(dict.fromkeys(f"{key.partition('/')[0]}/" for key in (*self.keys, *self.absent) if "/" in key))


@contextlib.contextmanager
def stand(ground: Ground, bucket: Bucket) -> Iterator[Stand]:
    """Put an object there for every tenant for as long as the attack lasts; a bucket that would keep it is attacked with what it has."""
    objects = required(ground.stack.objects, "object store")
    client = stores.connect(objects, objects.admin)
    mine = tuple(f"{tenant}/constat-{ground.canary}" for tenant in ground.stack.tenants or (ground.tenant,))
    there = of_each_class(tuple(found.key for found in stores.stored(objects, bucket.name, "", at_most=_SEEN)))
    absent = tuple(f"{key}-stranger" for key in mine)
    place = Stand(bucket=bucket.name, keys=there if bucket.is_locked else (*mine, *there), absent=absent)
    try:
        if not bucket.is_locked:
            _put(client, bucket.name, mine)
        yield place
    finally:
        for key in (*mine, *absent):
            remove(objects, bucket.name, key)


def of_each_class(keys: Iterable[str]) -> tuple[str, ...]:
    """One object for each place and kind: the first two parts of its key, and its suffix."""
    found: dict[tuple[str, ...], str] = {}
    for key in keys:
        found.setdefault((*key.split("/")[:-1][:2], PurePosixPath(key).suffix), key)
    return tuple(found.values())[:_CLASSES]


def approach(ground: Ground, place: Stand) -> Iterator[Admission]:
    """Every operation on the bucket, below every prefix, on every class of objects; the administrator by the same path."""
    objects = required(ground.stack.objects, "object store")
    bucket = f"/{place.bucket}"
    asked = (
        *(("GET", bucket, query) for query in ("", "list-type=2", "versions", "uploads", "policy", "acl", "versioning", "lifecycle")),
        *(("GET", bucket, f"list-type=2&prefix={quote(prefix)}") for prefix in place.prefixes),
        *((method, f"{bucket}/{quote(key)}", query) for key in place.keys for method, query in _READS),
        *((method, f"{bucket}/{quote(key)}", query) for key in place.absent for method, query in _WRITES),
    )
    with http.client(objects.ca, objects.endpoint) as client:
        tried = [(_line(*request), functools.partial(_asked, client, *request)) for request in asked]
        tried.append(("policy that names everybody", functools.partial(_policy, objects, place.bucket)))
        yield from acts(f"bucket {place.bucket}", _administrator(objects, place), tried, refusals=REFUSALS)


def opened_by(policy: str) -> tuple[str, ...]:
    """The resources that a bucket's policy allows to everybody."""
    statements = json.loads(policy).get("Statement", []) if policy else []
    return tuple(str(said.get("Resource")) for said in statements if said.get("Effect") == "Allow" and "*" in _named(said.get("Principal")))


def remove(objects: Objects, bucket: str, key: str) -> None:
    """Remove every version of an object, also where the bucket would keep it: nobody but the harness knows the key."""
    client = stores.connect(objects, objects.admin)
    for version in stores.stored(objects, bucket, key):
        if version.key == key:
            client.remove_object(bucket, key, version_id=version.version)


def _named(principal: Any) -> tuple[str, ...]:
    """Whom a statement is about: `*`, `{"AWS": "*"}` or `{"AWS": ["…"]}`."""
    values = principal.values() if isinstance(principal, dict) else (principal,)
    return tuple(name for value in values for name in (value if isinstance(value, list) else [str(value)]))


def _policy(objects: Objects, bucket: str) -> Answer:
    """What the administrator sees of it, so that a resource which nobody guesses is found too."""
    opened = opened_by(stores.policy(objects, bucket))
    return Answer(kind=OK, shown=f"the policy allows everybody {', '.join(opened)}") if opened else Answer(kind=_UNNAMED)


def _put(client: Minio, bucket: str, keys: Iterable[str]) -> None:
    try:
        for key in keys:
            client.put_object(bucket, key, io.BytesIO(b"constat"), length=7)
    except REFUSED as problem:
        msg = f"the administrator cannot write to bucket {bucket!r}: {problem}"
        raise Unobservable(msg) from None


def _administrator(objects: Objects, place: Stand) -> Answer:
    client = stores.connect(objects, objects.admin)
    try:
        listed = sum(1 for _ in client.list_objects(place.bucket))
        size = sum(int(client.stat_object(place.bucket, key).size or 0) for key in place.keys[:1])
    except REFUSED as problem:
        return Answer(kind="refused", shown=str(problem))
    return Answer(kind=OK, shown=f"lists {listed} names, reads {size} bytes")


def _asked(client: httpx.Client, method: str, path: str, query: str) -> Answer:
    """`ok` when the server went as far as to look: what is not there is told only to who may know."""
    reply = http.ask(client, method, path + (f"?{query}" if query else ""), content=b"stranger" if method == "PUT" else None)
    is_open = reply.status < _REDIRECTS or reply.status == _MISSING
    return Answer(kind=OK if is_open else f"http {reply.status}", shown=reply.text[:200])


def _line(method: str, path: str, query: str) -> str:
    return f"{method} {path}" + (f"?{query}" if query else "")
