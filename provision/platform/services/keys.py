"""The issuer's keys: its own pair, and what it publishes of it (RFC 7517)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers

if TYPE_CHECKING:
    from collections.abc import Mapping


class Jwk(msgspec.Struct, frozen=True):
    """One public RSA key."""

    kid: str
    n: str
    e: str
    kty: str = "RSA"
    use: str = "sig"
    alg: str = "RS256"


class Jwks(msgspec.Struct, frozen=True):
    """The issuer's public keys."""

    keys: list[Jwk]


def load_private(pem: str) -> RSAPrivateKey:
    """Read an RSA key; TypeError when the PEM holds another kind."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        msg = f"the signing key is a {type(key).__name__}, expected RSA; remove the secret and bring identity up again"
        raise TypeError(msg)
    return key


def published(key: RSAPublicKey) -> Jwk:
    """Describe a public key; its id is its thumbprint (RFC 7638)."""
    numbers = key.public_numbers()
    e, n = _encode(numbers.e), _encode(numbers.n)
    thumbprint = hashlib.sha256(f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'.encode()).digest()
    return Jwk(kid=base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode(), n=n, e=e)


def public_keys(jwks: Jwks) -> dict[str, RSAPublicKey]:
    """The keys of a set, by id."""
    return {key.kid: RSAPublicNumbers(_decode(key.e), _decode(key.n)).public_key() for key in jwks.keys}


class OwnKeys:
    """The issuer's keys, as it knows them itself."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        """Take them by id."""
        self._keys = keys

    async def find(self, kid: str) -> RSAPublicKey | None:
        """Return the key of that id."""
        return self._keys.get(kid)


def _encode(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
