"""The envelope: a statement and the signature over it (DSSE, Ed25519), in one spelling only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as SigningError
from securesystemslib.signer import CryptoSigner, SSlibKey

from constat.errors import UserError
from reports.bundle.keys import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from constat.finding import Json

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


def seal(statement: Json, key: Ed25519PrivateKey) -> bytes:
    """Sign the statement; the same statement and key give the same bytes."""
    envelope = Envelope(_spelled(statement), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key, _named(key.public_key())))
    return _spelled(_plain(envelope))


def signer(content: bytes) -> str:
    """The id of the key that the envelope says it was signed with; raises UserError when it is no envelope with one signature."""
    signatures = _parsed(content).signatures
    if len(signatures) != 1:
        msg = f"the envelope has {len(signatures)} signatures, expected one"
        raise UserError(msg)
    return next(iter(signatures))


def unseal(content: bytes, key: Ed25519PublicKey) -> Json:
    """The statement, if this key has signed it; raises UserError when it has not, or when a byte of the envelope was changed."""
    envelope = _parsed(content)
    if (named := signer(content)) != key_id(key):
        msg = f"it is signed with the unknown key {named}, expected {key_id(key)}"
        raise UserError(msg)
    try:
        envelope.verify([_named(key)], 1)
    except SigningError:
        msg = f"the signature of key {named} is not of this statement: one of them was changed"
        raise UserError(msg) from None
    # Spaces, further fields and other spellings of the same bytes are signed by nobody.
    if envelope.payload_type != PAYLOAD_TYPE or _spelled(_plain(envelope)) != content:
        msg = "the envelope holds more than what is signed, or is spelled otherwise than it was written"
        raise UserError(msg)
    return json.loads(envelope.payload)


def _parsed(content: bytes) -> Envelope:
    try:
        return Envelope.from_dict(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SigningError) as problem:
        msg = f"it is no envelope of a signed statement ({type(problem).__name__})"
        raise UserError(msg) from None


def _plain(envelope: Envelope) -> Json:
    """The envelope with nothing in it that is not needed to check it."""
    whole = envelope.to_dict()
    return whole | {"signatures": [{name: whole["signatures"][0][name] for name in ("keyid", "sig")}]}


def _named(key: Ed25519PublicKey) -> SSlibKey:
    return SSlibKey.from_crypto(key, keyid=key_id(key))


def _spelled(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
