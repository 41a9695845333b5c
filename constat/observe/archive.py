"""Facts of a WAL archive, from the objects' own bytes: what is there, of which cluster, and who can read it.

Knows pgBackRest's repository format 5: an object is `Salted__`, eight bytes of salt and
AES-256-CBC, key and vector by OpenSSL's EVP_BytesToKey with SHA-1; the passphrase of the
archive is in `archive.info`, which the repository's own passphrase (the escrow key) opens.
A segment's name ends with the SHA-1 of what is in it.
"""

from __future__ import annotations

import bz2
import configparser
import functools
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import lz4.frame  # type: ignore[import-untyped] # ships no types; what comes from it is bytes
import urllib3
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from minio import Minio
from minio.error import MinioException, S3Error

from constat import deadlines
from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Backups, Objects

SEGMENTS_PER_LOG: Final = 256  # of 16 MiB, which is what initdb makes
_SALTED: Final = b"Salted__"
_BLOCK: Final = 16
_SEGMENT: Final = re.compile(r"(?P<name>[0-9A-F]{24})-(?P<digest>[0-9a-f]{40})(?:\.(?P<packing>gz|bz2|lz4|zst))?")
_HISTORY: Final = re.compile(r"(?P<timeline>[0-9A-F]{8})\.history")
# How plain WAL of PostgreSQL 10 to 18 begins (little endian), and each kind of packed data.
_READABLE: Final = {
    **{bytes([low, 0xD1]): "WAL" for low in range(0x20)},
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


class Undecipherable(Unobservable):
    """The key does not open it; for a control that is about the key, that is the defect itself."""


class Absent(Unobservable):
    """The store answers, and it is not there; for a control that is about what must be there, that is the defect itself."""


@dataclass(frozen=True, order=True)
class Place:
    """A segment's place: its timeline, and its number since the cluster was made."""

    timeline: int
    number: int

    @property
    def name(self) -> str:
        """As the server names the file."""
        return f"{self.timeline:08X}{self.number // SEGMENTS_PER_LOG:08X}{self.number % SEGMENTS_PER_LOG:08X}"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """An archived segment, as the store lists it."""

    place: Place
    digest: str
    packing: str
    path: str
    stored_at: float = 0.0  # seconds since 1970, by the store's clock


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Where a timeline left its parent."""

    timeline: int
    parent: int
    position: int  # the first byte of WAL that is not its parent's

    @property
    def number(self) -> int:
        """The segment in which it did; the child has it whole."""
        return self.position >> 24


@dataclass(frozen=True, kw_only=True)
class History:
    """What a history file says: every timeline that led to this one, the oldest first; nothing when it cannot be read."""

    timeline: int
    forks: tuple[Fork, ...]


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A base backup, as the repository lists it."""

    label: str
    kind: str
    start: Place
    stop: Place
    has_error: bool
    ended_at: float = 0.0  # seconds since 1970, by the backup tool's clock


class Repository:
    """A repository in an object store, read with the identity and the key that are kept for the day the platform is gone."""

    def __init__(self, backups: Backups, objects: Objects) -> None:
        """Take where it is and what opens it; nothing is asked yet."""
        address = urlsplit(objects.endpoint)
        timeout = urllib3.Timeout(connect=deadlines.PROBE_CONNECT, read=deadlines.SERVICE_ANSWERS)
        self._store = Minio(
            address.netloc,
            access_key=backups.identity.access_key,
            secret_key=backups.identity.secret_key,
            secure=address.scheme == "https",
            region=objects.region,
            http_client=urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=objects.ca, timeout=timeout, retries=False),
        )
        self._bucket, self._stanza, self._key = backups.bucket, backups.stanza, backups.cipher_pass
        self._root = urlsplit(backups.repository).path.strip("/")

    def segments(self, *, after: str = "") -> tuple[Segment, ...]:
        """Every segment that is not empty, in order, or those whose paths follow one; Unobservable when the store does not list them."""
        found = [segment for path, stored_at in self._listed(after) if (segment := _segment(path, stored_at))]
        return tuple(sorted(found, key=lambda segment: segment.place))

    def forks(self) -> tuple[Fork, ...]:
        """Where each timeline left its parent, from the archived history files that can be read."""
        return tuple(file.forks[-1] for file in self.histories() if file.forks)

    def histories(self) -> tuple[History, ...]:
        """Every archived history file, in the order of timelines; one that holds no history has no forks."""
        named = [(match, path) for path in self._archived() if (match := _HISTORY.fullmatch(path.rsplit("/", 1)[-1]))]
        return tuple(
            sorted(
                (history(int(match["timeline"], 16), self._opened(path, self.archive_key)) for match, path in named),
                key=lambda file: file.timeline,
            )
        )

    def closed(self) -> frozenset[str]:
        """The first segment of every base backup whose end the server has archived (`*.backup`)."""
        return frozenset(path.rsplit("/", 1)[-1][:24] for path in self._archived() if path.endswith(".backup"))

    def backups(self) -> tuple[Backup, ...]:
        """Every base backup that is kept, the oldest first; raises Undecipherable when the key does not open the list."""
        listed = self._info(self._list)
        entries = {label: json.loads(text) for label, text in listed["backup:current"].items()} if "backup:current" in listed else {}
        return tuple(
            Backup(
                label=label,
                kind=fields["backup-type"],
                start=place(fields["backup-archive-start"]),
                stop=place(fields["backup-archive-stop"]),
                has_error=bool(fields["backup-error"]),
                ended_at=float(fields["backup-timestamp-stop"]),
            )
            for label, fields in sorted(entries.items())
        )

    def raw(self, segment: Segment) -> bytes:
        """The object's own bytes, as anybody who gets hold of the store sees them."""
        return self.fetch(segment.path)

    def opened(self, segment: Segment, raw: bytes) -> bytes:
        """The WAL in a segment's object; raises Undecipherable when the key does not open it, Unobservable when it cannot be unpacked."""
        return unpacked(deciphered(raw, self.archive_key, segment.path), segment.packing, segment.path)

    @functools.cached_property
    def archive_key(self) -> str:
        """The passphrase of the archive's objects; raises Undecipherable when the escrow key does not open it."""
        return str(json.loads(self._info(f"archive/{self._stanza}/archive.info")["cipher"]["cipher-pass"]))

    @functools.cached_property
    def backup_key(self) -> str:
        """The passphrase of the backups' manifests; raises Undecipherable when the escrow key does not open their list."""
        return str(json.loads(self._info(self._list)["cipher"]["cipher-pass"]))

    @functools.cached_property
    def server_version(self) -> str:
        """The server's major version, as the backups were made of it."""
        return str(json.loads(self._info(self._list)["db"]["db-version"]))

    def set_path(self, label: str) -> str:
        """Where everything of a base backup is."""
        return f"{self._root}/backup/{self._stanza}/{label}"

    @property
    def _list(self) -> str:
        return f"backup/{self._stanza}/backup.info"

    def _info(self, path: str) -> configparser.ConfigParser:
        text = self._opened(f"{self._root}/{path}", self._key).decode(errors="replace")
        if "[backrest]" not in text:  # one key in 256 leaves bytes that look padded
            msg = f"{path!r} does not open with the escrow key"
            raise Undecipherable(msg)
        # The tool writes the section of its own version twice.
        parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign] # labels keep their case
        parser.read_string(text)
        return parser

    def _archived(self) -> Iterator[str]:
        yield from (path for path, _ in self._listed())

    def _listed(self, after: str = "") -> Iterator[tuple[str, float]]:
        prefix = f"{self._root}/archive/{self._stanza}/"
        try:
            for found in self._store.list_objects(self._bucket, prefix=prefix, recursive=True, start_after=after or None):
                if found.size:
                    yield str(found.object_name), found.last_modified.timestamp() if found.last_modified else 0.0
        except (MinioException, urllib3.exceptions.HTTPError) as problem:
            msg = f"the store does not list {self._bucket}/{prefix}: {problem}"
            raise Unobservable(msg) from None

    def _opened(self, path: str, key: str) -> bytes:
        return deciphered(self.fetch(path), key, path)

    def fetch(self, path: str) -> bytes:
        """An object's own bytes; raises Absent when it is not there, Unobservable when the store does not give it."""
        try:
            with self._store.get_object(self._bucket, path) as answer:
                return bytes(answer.read())
        except S3Error as problem:
            msg = f"the store does not give {path!r}: {problem.code}"
            raise (Absent if problem.code == "NoSuchKey" else Unobservable)(msg) from None
        except (MinioException, urllib3.exceptions.HTTPError) as problem:
            msg = f"the store does not give {path!r}: {problem}"
            raise Unobservable(msg) from None


def _segment(path: str, stored_at: float) -> Segment | None:
    match = _SEGMENT.fullmatch(path.rsplit("/", 1)[-1])
    if match is None:
        return None
    return Segment(place=place(match["name"]), digest=match["digest"], packing=match["packing"] or "", path=path, stored_at=stored_at)


def place(name: str) -> Place:
    """Read a segment's name, or the name of anything that begins with one."""
    timeline, log, segment = (int(name[start : start + 8], 16) for start in (0, 8, 16))
    return Place(timeline, log * SEGMENTS_PER_LOG + segment)


def history(timeline: int, plain: bytes) -> History:
    """Read a history file: a line for each ancestor, with where it was left.  A pure function."""
    lines = [line.split() for line in plain.decode("ascii", errors="replace").splitlines() if line.strip() and not line.startswith("#")]
    try:
        left = [(int(parent), _position(position)) for parent, position, *_ in lines]
    except ValueError:
        left = []
    children = [*(parent for parent, _ in left[1:]), timeline]
    forks = (Fork(timeline=child, parent=parent, position=position) for child, (parent, position) in zip(children, left, strict=False))
    return History(timeline=timeline, forks=tuple(forks))


def _position(text: str) -> int:
    high, low = (int(part, 16) for part in text.split("/"))
    return (high << 32) + low


def readable_as(raw: bytes) -> str:
    """What bytes are for somebody who has no key; nothing when they are encrypted."""
    if raw.startswith(_SALTED):
        return ""
    return next((kind for magic, kind in _READABLE.items() if raw.startswith(magic)), "something that is not encrypted")


def deciphered(raw: bytes, key: str, path: str) -> bytes:
    """What an object holds, packed still; raises Undecipherable when the key does not open it."""
    if not raw.startswith(_SALTED):
        return raw  # stored in clear: whoever asks is told so by `readable_as`
    material, block, salt = b"", b"", raw[len(_SALTED) : _BLOCK]
    while len(material) < 48:  # noqa: PLR2004 - 32 bytes of key, 16 of vector
        block = hashlib.sha1(block + key.encode() + salt, usedforsecurity=False).digest()
        material += block
    opener = Cipher(algorithms.AES(material[:32]), modes.CBC(material[32:48])).decryptor()
    try:
        plain = opener.update(raw[_BLOCK:]) + opener.finalize()
    except ValueError:
        plain = b""
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        msg = f"{path!r} does not open with the key"
        raise Undecipherable(msg)
    return plain[:-padding]


def unpacked(packed: bytes, packing: str, path: str) -> bytes:
    """What was packed; raises Unobservable when it cannot be unpacked."""
    openers = {"": bytes, "gz": gzip.decompress, "bz2": bz2.decompress, "lz4": lz4.frame.decompress}
    if packing not in openers:
        msg = f"{path!r} is packed as {packing!r}, expected one of {', '.join(filter(None, openers))}; set compress-type to one of them"
        raise Unobservable(msg)
    try:
        return bytes(openers[packing](packed))
    except (OSError, EOFError, RuntimeError, ValueError) as problem:
        msg = f"{path!r} cannot be unpacked: {problem}"
        raise Unobservable(msg) from None
