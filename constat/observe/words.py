"""The words that must not be read: secrets and keys, in every way in which they are written down."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from constat.errors import Unobservable
from constat.observe.tree import owner_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from constat.stack import GuardedPath

# Keys, cookies, tokens; a configuration is known by the secrets in it.
_SMALL: Final = 4096
_SHORTEST: Final = 16
_TOKEN: Final = re.compile(rb"[!-~]{16,}")
_STORED: Final = "secrets.json"
_OFFSETS: Final = ((0, 0), (1, 2), (2, 3))


def spelled(words: Iterable[str | bytes]) -> frozenset[bytes]:
    """Each word as it is, as in an address, in UTF-16, in hexadecimal, and in base64 wherever it begins."""
    plain = {word.encode() if isinstance(word, str) else word for word in words}
    return frozenset(spelling for word in plain for spelling in _spellings(word) if len(spelling) >= _SHORTEST // 2)


def _spellings(word: bytes) -> Iterator[bytes]:
    yield from (word, quote(word, safe="").encode(), word.hex().encode(), word.hex().upper().encode())
    if word.isascii():
        yield from (word.decode("ascii").encode(encoding) for encoding in ("utf-16-le", "utf-16-be"))
    for before, shared in _OFFSETS:
        # What depends on the bytes beside the word is left out, at both ends.
        coded = base64.b64encode(bytes(before) + word).rstrip(b"=")[shared:-1]
        yield from (coded, coded.translate(bytes.maketrans(b"+/", b"-_")))


def private_words(run_dir: str, guarded: Iterable[GuardedPath]) -> frozenset[bytes]:
    """What keys, cookies, tokens and passwords consist of, taken from the files that are declared to keep them.

    Raises Unobservable when one of them cannot be read.
    """
    files = [Path(guard.path) for guard in guarded if not Path(guard.path).is_dir()]
    kept = {word for path in files for word in keyed(_small(path))}
    stored = (path for path in owner_only(run_dir, at_most=2**20) if path.name == _STORED)
    return frozenset(kept | {word for path in stored for value in _strings(json.loads(path.read_bytes())) for word in _secret(value)})


def keyed(content: bytes) -> Iterator[bytes]:
    """The words of a key: every long line of a PEM and its numbers as DER has them, or a whole file that is one token, or raw bytes."""
    if b"PRIVATE KEY-----" in content:
        inside, public = content.split(b"PRIVATE KEY-----")[1], _public(content)
        # Past the part that all keys of a kind share, and without what stands in the certificate too.
        yield from (line for line in inside.split() if len(line) > 40 and not _is_within(line, public))  # noqa: PLR2004
        yield from _numbers(content)
    elif _TOKEN.fullmatch(content.strip()):
        yield content.strip()
    elif _SHORTEST <= len(content) <= 64 and not content.isascii():  # noqa: PLR2004 - 512 bits
        yield content


def _is_within(line: bytes, public: bytes) -> bool:
    """Whether a line of base64 says nothing but what is public."""
    with suppress(binascii.Error):
        return base64.b64decode(line) in public
    return False


def _public(pem: bytes) -> bytes:
    """The public half of a key, in DER; nothing of one that cannot be read."""
    key = _key(pem)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if key else b""


def _key(pem: bytes) -> PrivateKeyTypes | None:
    """The key; none where it is locked by a password, or no whole key: its lines are words all the same."""
    with suppress(ValueError, TypeError):
        return load_pem_private_key(pem, None)
    return None


def _numbers(pem: bytes) -> Iterator[bytes]:
    """The private numbers of a key as they stand in DER, PKCS #8 and a server's memory."""
    key = _key(pem)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        yield key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        told = key.private_numbers()
        yield from (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (told.p, told.q, told.d))


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
