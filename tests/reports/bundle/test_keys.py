"""The signing key: made once, kept from others, never inside of the checkout, never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from constat.errors import UserError
from reports.bundle import keys

if TYPE_CHECKING:
    from pathlib import Path


def made(tmp_path: Path) -> tuple[Path, Path]:
    """A pair of keys beside a checkout."""
    (tmp_path / "checkout").mkdir(exist_ok=True)
    private = tmp_path / "keys" / keys.KEY_FILE
    return private, keys.make(private, outside=tmp_path / "checkout")


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    """The private half has mode 0600, and both halves belong together."""
    private, public = made(tmp_path)

    assert private.stat().st_mode & 0o777 == 0o600
    assert keys.key_id(keys.private_key(private).public_key()) == keys.key_id(keys.public_key(public))


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """A second key in the same place is refused, and the first stays as it was."""
    private, _ = made(tmp_path)
    before = private.read_bytes()

    with pytest.raises(UserError, match="is not overwritten"):
        made(tmp_path)
    assert private.read_bytes() == before


def test_no_half_of_a_pair_is_left(tmp_path: Path) -> None:
    """Where a public key is already, no private one is written beside it."""
    private, public = made(tmp_path)
    private.unlink()

    with pytest.raises(UserError, match=public.name):
        made(tmp_path)
    assert not private.exists()


@pytest.mark.parametrize("inside", ["", "deep/below"])
def test_a_key_in_the_checkout_is_refused(tmp_path: Path, inside: str) -> None:
    """Nothing is left behind where it would be committed."""
    with pytest.raises(UserError, match="lies in the checkout"):
        keys.make(tmp_path / inside / keys.KEY_FILE, outside=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_into_the_checkout_is_seen_through(tmp_path: Path) -> None:
    """A directory that only seems to lie elsewhere is refused as well."""
    (tmp_path / "checkout").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "checkout")

    with pytest.raises(UserError, match="lies in the checkout"):
        keys.make(tmp_path / "elsewhere" / keys.KEY_FILE, outside=tmp_path / "checkout")


def test_a_key_that_others_may_read_does_not_sign(tmp_path: Path) -> None:
    """The refusal says how to mend it."""
    private, _ = made(tmp_path)
    private.chmod(0o640)

    with pytest.raises(UserError, match="chmod 600"):
        keys.private_key(private)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    """A key of another algorithm, a private one for a public one, garbage and nothing at all are each told apart."""
    private, _ = made(tmp_path)
    other = tmp_path / "x25519.pub"
    other.write_bytes(X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "garbage").write_bytes(b"\x00garbage")

    with pytest.raises(UserError, match="expected an Ed25519 key"):
        keys.public_key(other)
    with pytest.raises(UserError, match="is no key"):
        keys.public_key(private)
    with pytest.raises(UserError, match="is no key"):
        keys.public_key(tmp_path / "garbage")
    with pytest.raises(UserError, match="cannot be read"):
        keys.private_key(tmp_path / "ghost")
