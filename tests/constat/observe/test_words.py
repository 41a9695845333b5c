"""The words that must not be read, taken from what keeps them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.observe.words import keyed, private_words, spelled
from constat.stack import GuardedPath

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=16, max_size=40)


@given(SECRETS, st.binary(max_size=8), st.binary(max_size=8))
def test_a_secret_is_found_in_base64_wherever_it_begins(secret: str, before: bytes, after: bytes) -> None:
    """As in a header, where a login stands before it."""
    coded = base64.b64encode(before + secret.encode() + after)

    assert any(word in coded for word in spelled([secret]))


@given(st.sets(SECRETS, max_size=4))
def test_no_spelling_is_so_short_that_anything_holds_it(secrets: set[str]) -> None:
    """A word of a few letters would be in every program."""
    assert all(len(word) >= 8 for word in spelled(secrets))


def test_stored_secrets_are_words_and_identities_are_not(tmp_path: Path) -> None:
    """A role's number is in every log of the store that knows it."""
    stored = tmp_path / "secrets.json"
    stored.write_text(json.dumps({"a": "zq81-zq81-zq81-zq81", "b": "11111111-0000-4000-8000-000000000001"}))
    stored.chmod(0o600)

    assert private_words(str(tmp_path), ()) == {b"zq81-zq81-zq81-zq81"}


def test_a_key_file_that_is_not_there_is_another_controls_business(tmp_path: Path) -> None:
    """What cannot be read is not taken for empty, and what does not exist has no words."""
    gone = GuardedPath(path=str(tmp_path / "gone"), owner="root", mode=0o600)

    assert private_words(str(tmp_path), (gone,)) == frozenset()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unobservable):
        private_words(str(tmp_path), (GuardedPath(path=str(tmp_path / "file" / "below"), owner="root", mode=0o600),))


def _curve() -> PrivateKeyTypes:
    return ec.generate_private_key(ec.SECP256R1())


def _primes() -> PrivateKeyTypes:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("generate", "shape"),
    [
        (_curve, PrivateFormat.PKCS8),
        (_curve, PrivateFormat.TraditionalOpenSSL),
        (_primes, PrivateFormat.PKCS8),
        (_primes, PrivateFormat.TraditionalOpenSSL),
        (ed25519.Ed25519PrivateKey.generate, PrivateFormat.PKCS8),
    ],
)
def test_the_public_half_of_a_key_is_no_secret(generate: Callable[[], PrivateKeyTypes], shape: PrivateFormat) -> None:
    """A certificate holds none of a key's words, wherever in its base64 the key stands; the key itself holds several."""
    key = generate()
    private = key.private_bytes(Encoding.PEM, shape, NoEncryption())
    words = spelled(keyed(private))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert any(word in private for word in words)
    for before in range(48):
        lines = base64.b64encode(bytes(before) + public + bytes(48))
        assert [word for word in words if word in lines] == []
