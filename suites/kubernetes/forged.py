"""Credentials that were never issued, or are good no more; each made like one that is good, which is its twin."""

from __future__ import annotations

import base64
import datetime
import json
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

HOUR: Final = datetime.timedelta(hours=1)
_ALGORITHM: Final = "RS256"


def expired(token: str, key: bytes) -> str:
    """The same claims, signed by the cluster's own key, an hour late."""
    return _signed(token, key, issued=-2 * HOUR, ends=-HOUR)


def renewed(token: str, key: bytes) -> str:
    """The same claims, signed by the cluster's own key, in time: the twin of the others."""
    return _signed(token, key, issued=-datetime.timedelta(minutes=1), ends=HOUR)


def early(token: str, key: bytes) -> str:
    """The same claims, signed by the cluster's own key, an hour early."""
    return _signed(token, key, issued=HOUR, ends=2 * HOUR)


def elsewhere(token: str, key: bytes) -> str:
    """The same claims, signed by the cluster's own key, for another audience."""
    return _signed(token, key, issued=-datetime.timedelta(minutes=1), ends=HOUR, aud=["https://constat.invalid"])


def foreign(token: str) -> str:
    """The same claims, in time, signed by a key that the cluster does not know."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return renewed(token, pem)


def unsigned(token: str) -> str:
    """The same claims, said to need no signature."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def altered(token: str) -> str:
    """The same signature below the claims of the cluster's most powerful account."""
    head, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    claims["sub"] = "system:serviceaccount:kube-system:clusterrole-aggregation-controller"
    return f"{head}.{_part(claims)}.{signature}"


def certificate(name: str, *, ca: bytes, key: bytes, begins: datetime.timedelta, ends: datetime.timedelta) -> bytes:
    """A client's certificate and its key, by the cluster's own authority, good between two moments from now."""
    authority = x509.load_pem_x509_certificate(ca)
    signer = serialization.load_pem_private_key(key, None)
    return _issued(name, authority.subject, signer, begins=begins, ends=ends)  # type: ignore[arg-type]


def self_signed(name: str) -> bytes:
    """A client's certificate and its key, by an authority that nobody knows, of the cluster's own name."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    return _issued(name, issuer, ec.generate_private_key(ec.SECP256R1()), begins=-HOUR, ends=HOUR)


def _issued(
    name: str, issuer: x509.Name, signer: CertificateIssuerPrivateKeyTypes, *, begins: datetime.timedelta, ends: datetime.timedelta
) -> bytes:
    own, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    issued = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return issued.public_bytes(serialization.Encoding.PEM) + pem


def _signed(token: str, key: bytes, *, issued: datetime.timedelta, ends: datetime.timedelta, **more: object) -> str:
    now, claims = datetime.datetime.now(datetime.UTC), jwt.decode(token, options={"verify_signature": False})
    times = {"iat": now + issued, "nbf": now + issued, "exp": now + ends}
    head = {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode({**claims, **times, **more}, key, algorithm=_ALGORITHM, headers=head)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode("ascii")
