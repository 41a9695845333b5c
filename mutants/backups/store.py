"""What an administrator of the object store can do to the repository, and undo: versions are kept, so each thing can be put back."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import lz4.frame  # type: ignore[import-untyped] # ships no types; what comes from it is bytes
import urllib3
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from minio import Minio
from minio.deleteobjects import DeleteObject

from constat.errors import HarnessError, NotReady
from constat.observe.archive import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.mutant import State
    from constat.observe.archive import Segment
    from constat.stack import Backups, Objects, Stack

_BLOCK: Final = 16


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object."""

    path: str
    id: str
    is_marker: bool
    etag: str


def parts(stack: Stack) -> tuple[Backups, Objects]:
    """The repository and the store that it is in; a mutant of them is only planted where there are both."""
    if stack.backups is None or stack.objects is None:
        msg = f"stack {stack.name!r} has no backups to plant a defect in; bring up one that has"
        raise HarnessError(msg)
    return stack.backups, stack.objects


def repository(stack: Stack) -> Repository:
    """The repository, as somebody with the escrow key reads it."""
    return Repository(*parts(stack))


def root(stack: Stack) -> str:
    """What every object of the repository begins with."""
    return urlsplit(parts(stack)[0].repository).path.strip("/")


def victim(stack: Stack) -> Segment:
    """A segment that every recovery to now needs and that is not the newest: the first after the newest backup on the newest timeline."""
    found = repository(stack)
    stop = found.backups()[-1].stop
    segments = found.segments()
    newest = max(segment.place.timeline for segment in segments)
    later = [segment for segment in segments if segment.place.timeline == newest and segment.place.number > stop.number]
    return later[0] if later else next(segment for segment in segments if segment.place == stop)


def versions(stack: Stack, prefix: str) -> tuple[Version, ...]:
    """Every version below the prefix, delete markers included."""
    backups, _ = parts(stack)
    return tuple(
        Version(path=str(v.object_name), id=str(v.version_id), is_marker=bool(v.is_delete_marker), etag=str(v.etag))
        for v in _client(stack).list_objects(backups.bucket, prefix=prefix, recursive=True, include_version=True)
    )


def remember(stack: Stack, *paths: str) -> State:
    """Which versions each path has: what `put_back` needs."""
    return {"paths": {path: [version.id for version in versions(stack, path) if version.path == path] for path in paths}}


def hide(stack: Stack, path: str) -> None:
    """Delete an object, as every client sees it."""
    _client(stack).remove_object(parts(stack)[0].bucket, path)


def overwrite(stack: Stack, path: str, content: bytes) -> None:
    """Store other bytes under a path."""
    _client(stack).put_object(parts(stack)[0].bucket, path, io.BytesIO(content), len(content))


def fetch(stack: Stack, path: str) -> bytes:
    """The bytes under a path."""
    with _client(stack).get_object(parts(stack)[0].bucket, path) as answer:
        return bytes(answer.read())


def put_back(stack: Stack, state: State) -> None:
    """Remove every version that was not there before, whatever it is."""
    added = [
        DeleteObject(version.path, version.id)
        for path, known in state["paths"].items()
        for version in versions(stack, path)
        if version.path == path and version.id not in known
    ]
    remove(stack, added)


def remove(stack: Stack, versions: Iterable[DeleteObject]) -> None:
    """Remove versions for good, whatever keeps them."""
    refused = list(_client(stack).remove_objects(parts(stack)[0].bucket, versions, bypass_governance_mode=True))
    if refused:
        msg = f"{len(refused)} versions could not be removed, the first: {refused[0].message}"
        raise NotReady(msg)


def fingerprint(stack: Stack) -> str:
    """What is unusual in the repository: objects that are deleted or were written more than once, and gaps; it grows meanwhile."""
    top = root(stack)
    archived = _by_path(v for v in versions(stack, f"{top}/archive/") if "/archive.info" not in v.path)
    kept = _by_path(v for v in versions(stack, f"{top}/backup/") if "/bundle/" in v.path or v.path.rsplit("/", 1)[-1] == "backup.info")
    changed = {path: sorted(v.etag for v in found) for path, found in archived.items() if len(found) != 1}
    hidden = sorted(path for path, found in (archived | kept).items() if any(version.is_marker for version in found))
    doubled = sorted(path for path, found in kept.items() if len(found) != 1 and "/bundle/" in path)
    return f"changed {changed}\nhidden {hidden}\ndoubled {doubled}\ngaps {gaps(repository(stack).segments())}"


def gaps(segments: Iterable[Segment]) -> list[str]:
    """Numbers that are missing between the first and the last segment of each timeline."""
    numbers: dict[int, set[int]] = {}
    for segment in segments:
        numbers.setdefault(segment.place.timeline, set()).add(segment.place.number)
    return [f"{line}/{n}" for line, found in sorted(numbers.items()) for n in range(min(found), max(found)) if n not in found]


def packed(segment: Segment, wal: bytes) -> bytes:
    """WAL as the tool packs it for that segment; only what the reference platform uses."""
    if segment.packing != "lz4":
        msg = f"segment {segment.path!r} is packed as {segment.packing!r}, expected 'lz4'; teach this mutant the other"
        raise HarnessError(msg)
    return bytes(lz4.frame.compress(wal))


def encrypted(plain: bytes, key: str) -> bytes:
    """Bytes as the tool encrypts them with a passphrase."""
    salt, material, block = os.urandom(8), b"", b""
    while len(material) < 48:  # noqa: PLR2004 - 32 bytes of key, 16 of vector
        block = hashlib.sha1(block + key.encode() + salt, usedforsecurity=False).digest()
        material += block
    padding = _BLOCK - len(plain) % _BLOCK
    sealer = Cipher(algorithms.AES(material[:32]), modes.CBC(material[32:48])).encryptor()
    return b"Salted__" + salt + sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()


def _by_path(found: Iterable[Version]) -> dict[str, list[Version]]:
    grouped: dict[str, list[Version]] = {}
    for version in found:
        grouped.setdefault(version.path, []).append(version)
    return grouped


def _client(stack: Stack) -> Minio:
    _, objects = parts(stack)
    address = urlsplit(objects.endpoint)
    return Minio(
        address.netloc,
        access_key=objects.admin.access_key,
        secret_key=objects.admin.secret_key,
        secure=address.scheme == "https",
        region=objects.region,
        http_client=urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=objects.ca),
    )
