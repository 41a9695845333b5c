"""Facts of base backups, from the objects' own bytes: which files each consists of, and whether what is stored is what was copied.

Knows pgBackRest's manifest: a line for each file with the SHA-1 of what was copied; a small file
is a piece of a bundle, and one that has not changed is in the backup that it refers to.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe.archive import Undecipherable, deciphered, readable_as, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.observe.archive import Repository

MANIFEST: Final = "backup.manifest"
_ENDINGS: Final = {"none": "", "gz": "gz", "lz4": "lz4", "bz2": "bz2", "zst": "zst"}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A file of a backup and where its bytes are: a whole object, or so many bytes of one."""

    name: str
    digest: str
    size: int  # bytes, as it was copied
    path: str  # of the object
    offset: int = 0
    stored: int = 0  # bytes, as it is kept
    packing: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup consists of."""

    label: str
    key: str
    pieces: tuple[Piece, ...]
    problem: str = ""
    names: frozenset[str] = frozenset()  # of every file, those of which nothing is stored included


def manifest(repository: Repository, label: str) -> Manifest:
    """Read a backup's manifest and its copy; Unobservable (Absent, Undecipherable) when either is not what it should be."""
    path = f"{repository.set_path(label)}/{MANIFEST}"
    text, copy = (deciphered(repository.fetch(name), repository.backup_key, name) for name in (path, f"{path}.copy"))
    if not text.startswith(b"[backrest]"):  # one key in 256 leaves bytes that look padded
        msg = f"{path!r} does not open with the key from the list of backups"
        raise Undecipherable(msg)
    found = read(label, text.decode("utf-8", errors="replace"), repository)
    return found if text == copy else dataclasses.replace(found, problem="its manifest and the copy differ")


def read(label: str, text: str, places: Repository) -> Manifest:
    """Read a manifest's text; `places` says where a backup's objects are.  Unobservable when it lists no file."""
    sections = _sections(text)
    options = dict(sections.get("backup:option", ()))
    packing = _ENDINGS.get(json.loads(options.get("option-compress-type", '"none"')), "")
    pieces = tuple(_pieces(label, sections.get("target:file", ()), packing, places))
    if not pieces:
        msg = f"the manifest of backup {label!r} lists no file"
        raise Unobservable(msg)
    key = json.loads(dict(sections.get("cipher", ())).get("cipher-pass", '""'))
    return Manifest(label=label, key=key, pieces=pieces, names=frozenset(name for name, _ in sections.get("target:file", ())))


def content(repository: Repository, found: Manifest, name: str) -> bytes | None:
    """What a file of a backup holds; None where the backup has none of that name, Unobservable when it cannot be read."""
    piece = next((piece for piece in found.pieces if piece.name == name), None)
    return None if piece is None else _opened(piece, repository.fetch(piece.path), found.key)


def _sections(text: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    lines: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            lines = found.setdefault(line[1:-1], [])
        elif "=" in line:
            # A file's name may hold an equals sign; what is said of it begins with a brace.
            name, sign, value = line.partition("={")
            lines.append((name, "{" + value) if sign else (line.partition("=")[0], line.partition("=")[2]))
    return found


def _pieces(label: str, lines: Iterable[tuple[str, str]], packing: str, places: Repository) -> Iterator[Piece]:
    for name, text in lines:
        said = json.loads(text)
        home, bundle = places.set_path(said.get("reference", label)), said.get("bni")
        if not said.get("size", 0):
            continue  # nothing is stored of an empty file in a bundle
        yield Piece(
            name=name,
            digest=said["checksum"],
            size=said["size"],
            path=f"{home}/bundle/{bundle}" if bundle else f"{home}/{name}{'.' + packing if packing else ''}",
            offset=said.get("bno", 0),
            stored=said["repo-size"] if bundle else 0,
            packing=packing,
        )


def defect(piece: Piece, raw: bytes, key: str) -> str:
    """What is wrong with a stored file, from the bytes of its object; nothing when it is what was copied.  A pure function."""
    try:
        plain = _opened(piece, raw, key)
    except Unobservable as problem:
        return str(problem)  # it was fetched: that it does not open is a defect of what is stored
    if key and readable_as(_part(piece, raw)):
        return "it is stored in clear"
    if len(plain) != piece.size:
        return f"it has {len(plain)} bytes, and {piece.size} were copied"
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != piece.digest:
        return "its content is not what was copied: another SHA-1 than the manifest says"
    return ""


def _part(piece: Piece, raw: bytes) -> bytes:
    return raw[piece.offset : piece.offset + piece.stored] if piece.stored else raw


def _opened(piece: Piece, raw: bytes, key: str) -> bytes:
    return unpacked(deciphered(_part(piece, raw), key, piece.name), piece.packing, piece.name)
