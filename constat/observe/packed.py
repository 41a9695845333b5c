"""What is packed in a file: archives, compressed streams, stores of keys, and what those hold in turn."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import subprocess
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Unpack = Callable[[bytes], Iterator[bytes]]

# How an archive that cannot be opened says so.
DAMAGED: Final = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
_DEEPEST: Final = 4
_TAR, _TAR_OFFSET = b"ustar", 257
# RFC 7292, 4: SEQUENCE { version INTEGER 3, SEQUENCE { OBJECT IDENTIFIER pkcs-7 ...
_KEY_STORE: Final = re.compile(rb"\x30[\x80-\x84].{0,4}?\x02\x01\x03\x30.{1,4}?\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", re.DOTALL)
# Passwords that are none.
_OPEN: Final = (None, b"", b"changeit", b"password", b"changeme")


def parts(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """What an archive holds, and what that holds; of what is no archive, itself.  Raises one of DAMAGED where it cannot be opened."""
    inside = members(data)
    if inside is None:
        yield data
        return
    if depth == _DEEPEST:
        msg = f"packed more than {_DEEPEST} times"
        raise ValueError(msg)
    for member in inside:
        yield from parts(member, depth + 1)


def members(data: bytes) -> Iterator[bytes] | None:
    """What is packed, as it is asked for; None when nothing is."""
    if data.startswith(_TAR, _TAR_OFFSET):
        return _tarred(data)
    if _KEY_STORE.match(data):
        return _key_store(data)
    unpack = next((unpack for magic, unpack in _PACKERS.items() if data.startswith(magic)), None)
    return None if unpack is None else unpack(data)


def _tarred(data: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        yield from (file.read() for member in archive if (file := archive.extractfile(member)))


def _zipped(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from (archive.read(name) for name in archive.namelist())


def _key_store(data: bytes) -> Iterator[bytes]:
    """The key of a PKCS #12 file, as PEM; ValueError when its password is none that anybody would try."""
    for password in _OPEN:
        try:
            key = pkcs12.load_pkcs12(data, password).key
        except ValueError:
            continue
        if key is not None:
            yield key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return
    msg = "a store of keys (PKCS #12) with a password"
    raise ValueError(msg)


def _whole(unpack: Callable[[bytes], bytes]) -> Unpack:
    def unpacked(data: bytes) -> Iterator[bytes]:
        yield unpack(data)

    return unpacked


def _by_program(*command: str) -> Unpack:
    def unpack(data: bytes) -> bytes:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            msg = f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
            raise ValueError(msg)
        return done.stdout

    return _whole(unpack)


def _unknown(data: bytes) -> bytes:
    msg = f"nobody here unpacks what begins with {data[:6]!r}"
    raise ValueError(msg)


_PACKERS: Final[dict[bytes, Unpack]] = {
    b"PK\x03\x04": _zipped,
    b"\x1f\x8b": _whole(gzip.decompress),
    b"\x1f\x9d": _by_program("gzip", "-dc"),
    b"BZh": _whole(bz2.decompress),
    b"\xfd7zXZ\0": _whole(lzma.decompress),
    b"\x28\xb5\x2f\xfd": _by_program("zstd", "-dc"),
    b"\x04\x22\x4d\x18": _by_program("lz4", "-dc"),
    b"7z\xbc\xaf\x27\x1c": _whole(_unknown),
    b"Rar!": _whole(_unknown),
    b"LZIP": _whole(_unknown),
}
