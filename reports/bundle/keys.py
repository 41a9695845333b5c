"""The key that signs evidence, and the public one that it is checked with: Ed25519, as PEM files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from constat.chain import digest
from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_FILE: Final = "evidence.key"
KEY_VARIABLE: Final = "CONSTAT_EVIDENCE_KEY"
_PRIVATE_MODE: Final = 0o600
_OTHERS: Final = 0o077


def default_folder() -> Path:
    """Where this account's key is: below XDG_CONFIG_HOME, else ~/.config."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "constat"


def default_key() -> Path:
    """The key that signs: the one that CONSTAT_EVIDENCE_KEY names, else this account's."""
    return Path(os.environ.get(KEY_VARIABLE) or default_folder() / KEY_FILE)


def public_half(private: Path) -> Path:
    """Where the public half of a key is written: beside it."""
    return private.with_suffix(".pub")


def make(private: Path, *, outside: Path) -> Path:
    """Make a key there and its public half, which is returned; raises UserError where one is already, or inside of `outside`."""
    folder, public = private.parent, public_half(private)
    if outside.resolve() in (folder.resolve(), *folder.resolve().parents):
        msg = f"{str(folder)!r} lies in the checkout, where a key is committed sooner or later; give another directory with --into"
        raise UserError(msg)
    key = Ed25519PrivateKey.generate()
    try:
        _require_absent(private, public)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _PRIVATE_MODE)
        _write(public, _pem(key.public_key()), 0o644)
    except FileExistsError as problem:
        msg = f"{problem.filename!r} exists and is not overwritten, for what it has signed needs it; move it away, or use another --into"
        raise UserError(msg) from None
    except OSError as problem:
        msg = f"a key cannot be written to {str(folder)!r} ({problem.strerror}); give --into a directory of yours"
        raise UserError(msg) from None
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs; raises UserError when it is none, or when others may read it."""
    content = _read(path, "`constat evidence key` makes one")
    if path.stat().st_mode & _OTHERS:
        msg = f"key {str(path)!r} may be read by others, so its signature proves nothing; `chmod 600` it, or make a new one"
        raise UserError(msg)
    key = _parsed(path, lambda: load_pem_private_key(content, password=None))
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise _another(path, key)


def public_key(path: Path) -> Ed25519PublicKey:
    """Read the key that checks; raises UserError when it is none."""
    content = _read(path, "ask whoever signs for their public key")
    key = _parsed(path, lambda: load_pem_public_key(content))
    if isinstance(key, Ed25519PublicKey):
        return key
    raise _another(path, key)


def key_id(key: Ed25519PublicKey) -> str:
    """What a key is called: the SHA-256 of its public half (DER, SubjectPublicKeyInfo), in hexadecimal."""
    return digest(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _require_absent(*paths: Path) -> None:
    """Half a pair is not written beside the other half of another one."""
    for path in paths:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        msg = f"key {str(path)!r} cannot be read ({problem.strerror}); {remedy}"
        raise UserError(msg) from None


def _parsed(path: Path, load: Callable[[], object]) -> object:
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        msg = f"{str(path)!r} is no key ({problem}), expected an Ed25519 key in PEM without a passphrase; `constat evidence key` makes one"
        raise UserError(msg) from None


def _another(path: Path, key: object) -> UserError:
    return UserError(f"{str(path)!r} is a {type(key).__name__}, expected an Ed25519 key; `constat evidence key` makes a pair")
