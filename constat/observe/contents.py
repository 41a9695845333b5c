"""Words in files, whatever they are packed in: text, programs, memory dumps, archives, what processes were told."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import re
import subprocess
import tarfile
import uuid
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from constat.errors import Unobservable
from constat.observe.tree import owner_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from constat.stack import GuardedPath

    Unpack = Callable[[bytes], Iterator[bytes]]

# With a body: programs have the bare markers in them.
PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}")
_DEEPEST: Final = 4
_LARGEST: Final = 256 * 2**20
_LARGEST_TEXT: Final = 8 * 2**20
# Keys, cookies, tokens; a configuration is known by the secrets in it.
_SMALL: Final = 4096
_SHORTEST: Final = 16
_TOKEN: Final = re.compile(rb"[!-~]{16,}")
_TAR, _TAR_OFFSET = b"ustar", 257
_DAMAGED: Final = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)


def spelled(words: Iterable[str | bytes]) -> frozenset[bytes]:
    """Each word as it is, as in an address, and in base64 as manifests and headers carry it."""
    plain = {word.encode() if isinstance(word, str) else word for word in words}
    coded = {base64.b64encode(word).rstrip(b"=")[:-1] for word in plain}
    return frozenset(plain | coded | {quote(word, safe="").encode() for word in plain})


def private_words(run_dir: str, guarded: Iterable[GuardedPath]) -> frozenset[bytes]:
    """What keys, cookies, tokens and passwords consist of, taken from the files that are declared to keep them.

    Raises Unobservable when one of them cannot be read.
    """
    files = [Path(guard.path) for guard in guarded if not Path(guard.path).is_dir()]
    kept = {word for path in files for word in keyed(_small(path))}
    stored = (path for path in owner_only(run_dir, at_most=2**20) if path.name == "secrets.json")
    return frozenset(kept | {word for path in stored for value in _strings(json.loads(path.read_bytes())) for word in _secret(value)})


def keyed(content: bytes) -> Iterator[bytes]:
    """The words of a key: every long line of a PEM, or the whole of a file that is one token, or raw bytes."""
    if b"PRIVATE KEY-----" in content:
        inside = content.split(b"PRIVATE KEY-----")[1]
        yield from (line for line in inside.split() if len(line) > 40)  # noqa: PLR2004 - past the part that all keys of a kind share
    elif _TOKEN.fullmatch(content.strip()):
        yield content.strip()
    elif _SHORTEST <= len(content) <= 64 and not content.isascii():  # noqa: PLR2004 - 512 bits
        yield content


def holding(paths: Sequence[str], words: frozenset[bytes]) -> frozenset[str]:
    """Those of the files whose raw bytes hold one of the words; raises Unobservable when they cannot be searched."""
    return _searched(("grep",), paths, words)


def told(words: frozenset[bytes], account: int) -> frozenset[str]:
    """Arguments and environments of processes, as that account may read them, which hold one of the words; as paths."""
    paths = [f"{process}/{part}" for process in Path("/proc").glob("[0-9]*") for part in ("cmdline", "environ")]
    lowered = ("setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--", "grep")
    return _searched(lowered, paths, words)


def opened(path: str, words: frozenset[bytes]) -> bool:
    """Whether a private key is in the file, or one of the words in what it packs.

    What is not packed and larger than `_LARGEST_TEXT` bytes is searched for words alone, by
    `holding`.  Raises Unobservable when the file is packed in a way that nobody here opens.
    """
    file = Path(path)
    try:
        with file.open("rb") as start:
            is_packed = _members(start.read(_SMALL)) is not None
        if file.stat().st_size > (_LARGEST if is_packed else _LARGEST_TEXT):
            return _too_large(path) if is_packed else False
        return any(PRIVATE_KEY.search(part) or any(word in part for word in words) for part in _parts(file.read_bytes(), 0))
    except FileNotFoundError:
        return False  # it was removed meanwhile
    except _DAMAGED as problem:
        msg = f"{path!r} cannot be opened: {problem}"
        raise Unobservable(msg) from None


def _too_large(path: str) -> bool:
    msg = f"{path!r} is packed and larger than {_LARGEST} bytes"
    raise Unobservable(msg)


def _parts(data: bytes, depth: int) -> Iterator[bytes]:
    """What an archive holds, and what that holds; of what is no archive, itself."""
    members = _members(data)
    if members is None:
        yield data
        return
    if depth == _DEEPEST:
        msg = f"packed more than {_DEEPEST} times"
        raise ValueError(msg)
    for member in members:
        yield from _parts(member, depth + 1)


def _members(data: bytes) -> Iterator[bytes] | None:
    """What is packed, as it is asked for; None when nothing is."""
    if data.startswith(_TAR, _TAR_OFFSET):
        return _tarred(data)
    unpack = next((unpack for magic, unpack in _PACKERS.items() if data.startswith(magic)), None)
    return None if unpack is None else unpack(data)


def _tarred(data: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        yield from (file.read() for member in archive if (file := archive.extractfile(member)))


def _zipped(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from (archive.read(name) for name in archive.namelist())


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
    b"BZh": _whole(bz2.decompress),
    b"\xfd7zXZ\0": _whole(lzma.decompress),
    b"\x28\xb5\x2f\xfd": _by_program("zstd", "-dc"),
    b"\x04\x22\x4d\x18": _by_program("lz4", "-dc"),
    b"7z\xbc\xaf\x27\x1c": _whole(_unknown),
    b"Rar!": _whole(_unknown),
}


def _searched(program: tuple[str, ...], paths: Sequence[str], words: frozenset[bytes]) -> frozenset[str]:
    if not paths:
        return frozenset()
    lines = [word for word in words if b"\n" not in word and word]
    done = subprocess.run(
        [*program, "-aFlZs", "-f", "-", "--", *paths],
        input=b"\n".join(lines),
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    if done.stderr:
        msg = f"{len(paths)} files cannot be searched: {done.stderr.decode(errors='replace').strip()}"
        raise Unobservable(msg)
    return frozenset(path.decode() for path in done.stdout.split(b"\0") if path)


def _small(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= _SMALL else b""
    except FileNotFoundError:
        return b""  # that it is not there is for its own control to say
    except OSError as problem:
        msg = f"{str(path)!r} cannot be read: {problem.strerror}; run as root"
        raise Unobservable(msg) from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _secret(value: str) -> Iterator[bytes]:
    """The words of a stored value; not the identity of a tenant or a role, which is no secret."""
    with suppress(ValueError):
        uuid.UUID(value)
        return
    yield from keyed(value.encode())
