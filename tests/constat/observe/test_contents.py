"""Words are found in whatever they are packed in, and what cannot be opened is not taken for empty."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.observe import contents, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = b"s3cret-value-that-nobody-knows"
WORDS = words.spelled([SECRET])
PEM = b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"


def tarred(data: bytes) -> bytes:
    """An archive with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("etc/x")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def zipped(data: bytes) -> bytes:
    """An archive with one compressed file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("etc/x", data)
    return packed.getvalue()


def thrice(data: bytes) -> bytes:
    """As a backup of a backup."""
    return gzip.compress(tarred(zipped(data)))


PACKERS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped, "tar": tarred, "thrice": thrice}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS.keys())
def test_a_packed_word_is_found(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """In every packing, also in several at once; without the word there is nothing."""
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.write_bytes(pack(b"user: " + SECRET))
    empty.write_bytes(pack(b"user: nobody"))

    assert contents.opened(str(full), WORDS)
    assert not contents.opened(str(empty), WORDS)


DAMAGED = {"gzip": gzip.compress(SECRET * 9)[:20], "zip": b"PK\x03\x04garbage", "7z": b"7z\xbc\xaf\x27\x1c.."}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_cannot_be_opened_is_not_taken_for_empty(tmp_path: Path, data: bytes) -> None:
    """A damaged archive, or one of a kind that nobody here opens."""
    (tmp_path / "x").write_bytes(data)

    with pytest.raises(Unobservable):
        contents.opened(str(tmp_path / "x"), WORDS)


def test_a_key_is_told_from_a_programs_word_for_one(tmp_path: Path) -> None:
    """A private key has a body; the bare marker is in many programs."""
    (tmp_path / "key").write_bytes(PEM)
    (tmp_path / "tool").write_bytes(b'if text == "-----BEGIN PRIVATE KEY-----": pass')

    assert contents.opened(str(tmp_path / "key"), frozenset())
    assert not contents.opened(str(tmp_path / "tool"), frozenset())


CODED = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET),
    "base64 of a login": base64.b64encode(b"admin:" + SECRET),
    "base64 for addresses": base64.urlsafe_b64encode(b"a" + SECRET + b"b"),
    "hexadecimal": SECRET.hex().encode(),
    "utf-16": SECRET.decode().encode("utf-16"),
}


@pytest.mark.parametrize("told", CODED.values(), ids=CODED.keys())
def test_raw_bytes_are_searched(tmp_path: Path, told: bytes) -> None:
    """Also between the bytes of a program or a memory dump."""
    (tmp_path / "core").write_bytes(b"\x7fELF" + bytes(5000) + told + bytes(100))
    (tmp_path / "other").write_bytes(b"\x7fELF" + bytes(5000))

    assert contents.holding([str(tmp_path / "core"), str(tmp_path / "other")], WORDS) == {str(tmp_path / "core")}


@given(st.binary(min_size=16, max_size=64).filter(lambda data: not data.isascii()))
def test_raw_keys_are_words(key: bytes) -> None:
    """A key of raw bytes is known as it is."""
    assert list(words.keyed(key)) in ([key], [key.strip()])


def test_a_pem_is_known_by_its_long_lines() -> None:
    """Not by its markers, which all keys share."""
    assert list(words.keyed(PEM)) == [b"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"]


def test_a_key_is_found_in_every_form(tmp_path: Path) -> None:
    """As DER, and in a store of keys, with a password that anybody would try or none."""
    key = ec.generate_private_key(ec.SECP256R1())
    known = words.spelled(words.keyed(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())))
    (tmp_path / "der").write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "p12").write_bytes(pkcs12.serialize_key_and_certificates(b"k", key, None, None, NoEncryption()))
    (tmp_path / "guessed").write_bytes(pkcs12.serialize_key_and_certificates(b"k", key, None, None, BestAvailableEncryption(b"changeit")))

    assert contents.holding([str(tmp_path / "der")], known) == {str(tmp_path / "der")}
    assert contents.opened(str(tmp_path / "p12"), known)
    assert contents.opened(str(tmp_path / "guessed"), known)


def test_a_locked_store_of_keys_is_not_taken_for_empty(tmp_path: Path) -> None:
    """Nobody knows what is in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    locked = pkcs12.serialize_key_and_certificates(b"k", key, None, None, BestAvailableEncryption(b"zq81-unknown"))
    (tmp_path / "p12").write_bytes(locked)

    with pytest.raises(Unobservable, match="with a password"):
        contents.opened(str(tmp_path / "p12"), WORDS)


@given(st.sets(st.binary(min_size=16, max_size=48), min_size=1))
def test_a_pattern_of_greps_never_ends_within_a_word(raw: set[bytes]) -> None:
    """A word with a line break in it would be two patterns, each of which says less."""
    assert all(b"\n" not in line for line in contents.lines(frozenset(raw)))
