"""Each forgery differs from what is good in exactly one thing."""

from __future__ import annotations

import datetime

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from suites.kubernetes import forged

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
CLAIMS = {"sub": "system:serviceaccount:n:a", "aud": ["https://kubernetes"], "iss": "https://kubernetes", "exp": 4102444800}
TOKEN = jwt.encode(CLAIMS, PEM, algorithm="RS256", headers={"kid": "k"})


def verified(token: str) -> dict[str, object]:
    """As a server that knows the key takes it."""
    return dict(jwt.decode(token, KEY.public_key(), algorithms=["RS256"], audience="https://kubernetes", issuer="https://kubernetes"))


def test_the_twin_is_good() -> None:
    """Signed by the same key, in time."""
    assert verified(forged.renewed(TOKEN, PEM))["sub"] == CLAIMS["sub"]


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (forged.expired(TOKEN, PEM), jwt.ExpiredSignatureError),
        (forged.early(TOKEN, PEM), jwt.ImmatureSignatureError),
        (forged.elsewhere(TOKEN, PEM), jwt.InvalidAudienceError),
        (forged.foreign(TOKEN), jwt.InvalidSignatureError),
        (forged.altered(TOKEN), jwt.InvalidSignatureError),
        (forged.unsigned(TOKEN), jwt.InvalidAlgorithmError),
    ],
)
def test_each_forgery_fails_for_its_own_reason(token: str, why: type[Exception]) -> None:
    """And would be good but for that."""
    with pytest.raises(why):
        verified(token)


def test_certificates_are_good_when_they_say() -> None:
    """By the authority's own name and key, for a client of that name."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.datetime.now(datetime.UTC)
    authority = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + forged.HOUR)
        .sign(KEY, hashes.SHA256())
    )
    ca = authority.public_bytes(serialization.Encoding.PEM)
    issued = x509.load_pem_x509_certificate(forged.certificate("c", ca=ca, key=PEM, begins=-2 * forged.HOUR, ends=-forged.HOUR))
    issued.verify_directly_issued_by(authority)

    assert issued.not_valid_after_utc < now
    with pytest.raises(ValueError, match=r"(?i)issuer|algorithm"):
        x509.load_pem_x509_certificate(forged.self_signed("c")).verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
