"""What the observer of an archive makes of bytes."""

from __future__ import annotations

import bz2
import gzip
import hashlib

import lz4.frame  # type: ignore[import-untyped] # ships no types; what comes from it is bytes
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.observe import archive
from constat.observe.archive import Undecipherable

KEY = "a key that is kept in escrow"
WAL = bytes([0x10, 0xD1, 2, 0]) + (3).to_bytes(4, "little") + (5 * 4096).to_bytes(8, "little") + bytes(8) + (77).to_bytes(8, "little")
WAL = WAL + bytes(4096 - len(WAL))


def sealed(plain: bytes, key: str = KEY, salt: bytes = b"saltsalt") -> bytes:
    """Encrypt as OpenSSL's `enc -aes-256-cbc -md sha1` does."""
    material, block = b"", b""
    while len(material) < 48:
        block = hashlib.sha1(block + key.encode() + salt).digest()  # noqa: S324 - the format's own choice
        material += block
    padding = 16 - len(plain) % 16
    sealer = Cipher(algorithms.AES(material[:32]), modes.CBC(material[32:48])).encryptor()
    return b"Salted__" + salt + sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()


@given(st.binary(max_size=200), st.binary(min_size=8, max_size=8))
def test_what_was_sealed_is_opened_with_the_key(plain: bytes, salt: bytes) -> None:
    """The escrow key gives back the bytes, whatever they are."""
    assert archive.deciphered(sealed(plain, salt=salt), KEY, "x") == plain


def test_another_key_opens_nothing() -> None:
    """A wrong key is told as such; the rare one that leaves something that looks padded leaves no WAL."""
    wrong = 0
    for number in range(64):
        try:
            assert archive.deciphered(sealed(WAL), f"another {number}", "x") != WAL
        except Undecipherable:
            wrong += 1

    assert wrong > 55


def test_a_cut_object_is_undecipherable() -> None:
    """An object that lost its end is no whole number of blocks."""
    with pytest.raises(Undecipherable):
        archive.deciphered(sealed(WAL)[:-5], KEY, "x")


@pytest.mark.parametrize(("packing", "pack"), [("", bytes), ("gz", gzip.compress), ("bz2", bz2.compress), ("lz4", lz4.frame.compress)])
def test_every_packing_is_opened(packing: str, pack: type[bytes]) -> None:
    """Whatever the tool packs with, the WAL is found in it."""
    assert archive.unpacked(pack(WAL), packing, "x") == WAL


@pytest.mark.parametrize("packing", ["gz", "bz2", "lz4"])
def test_rotten_packing_is_said_to_be(packing: str) -> None:
    """Bytes that do not unpack are no segment."""
    with pytest.raises(Unobservable, match="cannot be unpacked"):
        archive.unpacked(b"rotten to the core", packing, "x")


def test_an_unknown_packing_names_the_known_ones() -> None:
    """What this harness cannot read it does not call empty."""
    with pytest.raises(Unobservable, match="expected one of gz, bz2, lz4"):
        archive.unpacked(b"", "zst", "x")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (sealed(WAL), ""),
        (WAL, "WAL"),
        (gzip.compress(WAL), "gzip"),
        (bz2.compress(WAL), "bzip2"),
        (lz4.frame.compress(WAL), "LZ4"),
        (b"whatever", "something that is not encrypted"),
    ],
    ids=["sealed", "WAL", "gzip", "bzip2", "LZ4", "unknown"],
)
def test_only_what_is_sealed_is_unreadable(raw: bytes, kind: str) -> None:
    """What does not carry the mark of encryption is readable, known or not."""
    assert archive.readable_as(raw) == kind
