"""Access tokens: RS256 JWTs (RFC 7519, RFC 8725) that say for which tenant somebody acts."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Final, Protocol

import jwt
import msgspec
from jwt.types import Options

from provision.platform.services.problem import invalid_token

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

ALGORITHM: Final = "RS256"
_REQUIRED: Final = ("sub", "tenant", "organization_id", "plan", "iss", "aud", "iat", "exp", "jti")
_OPTIONS: Final = Options(require=list(_REQUIRED), strict_aud=True)
_REMEMBERED: Final = 4096


class Caller(msgspec.Struct, frozen=True):
    """Who asks, from a verified token; `exp` in seconds since the epoch."""

    sub: str
    tenant: str
    organization_id: uuid.UUID
    plan: str
    exp: int


class Keys(Protocol):
    """Where the public keys of the issuer come from."""

    async def find(self, kid: str) -> RSAPublicKey | None:
        """Return the key of that id, or None when the issuer has no such key."""


class Verifier:
    """Checks tokens; a signature that was checked once is remembered until it expires."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        """Take whose tokens count, and for whom they must be."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._checked: dict[bytes, tuple[str, Caller]] = {}

    async def caller(self, token: bytes) -> Caller:
        """Return who the token speaks for; Problem 401 when it is not valid now."""
        kid, caller = self._checked.get(token) or await self._check(token)
        if caller.exp <= time.time() or await self._keys.find(kid) is None:
            self._checked.pop(token, None)
            raise invalid_token()
        return caller

    async def _check(self, token: bytes) -> tuple[str, Caller]:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            caller = msgspec.convert(self._decode(token, await self._keys.find(kid)), Caller)
        except (jwt.PyJWTError, msgspec.ValidationError, UnicodeDecodeError):
            raise invalid_token() from None
        self._remember(token, (kid, caller))
        return kid, caller

    def _decode(self, token: bytes, key: RSAPublicKey | None) -> dict[str, Any]:
        if key is None:
            msg = "nobody has published that key"
            raise jwt.InvalidKeyError(msg)
        return jwt.decode(token, key, [ALGORITHM], _OPTIONS, audience=self._audience, issuer=self._issuer)

    def _remember(self, token: bytes, checked: tuple[str, Caller]) -> None:
        if len(self._checked) >= _REMEMBERED:
            self._checked.pop(next(iter(self._checked)))
        self._checked[token] = checked


class Issuer:
    """Signs tokens that are valid for `seconds`."""

    def __init__(self, key: RSAPrivateKey, kid: str, *, issuer: str, audience: str, seconds: int) -> None:
        """Take the key, and what every token says."""
        self._key = key
        self._header = {"kid": kid}
        self._fixed = {"iss": issuer, "aud": audience}
        self.seconds = seconds

    def issue(self, *, subject: str, tenant: str, organization_id: uuid.UUID, plan: str) -> str:
        """Sign a token for somebody who has just proven who they are."""
        now = int(time.time())
        claims = {
            **self._fixed,
            "sub": subject,
            "tenant": tenant,
            "organization_id": str(organization_id),
            "plan": plan,
            "iat": now,
            "exp": now + self.seconds,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, ALGORITHM, self._header)
