"""A certificate for the loopback, so that the control stream takes the same path through TLS as the rest."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "constat control stream")])


@dataclass(frozen=True)
class LoopbackCertificate:
    """Where the certificate (its own authority) and its key are."""

    cert: Path
    key: Path


def make_certificate(directory: Path) -> LoopbackCertificate:
    """Write a certificate for 127.0.0.1 that is good for a day."""
    made = LoopbackCertificate(directory / "control.pem", directory / "control-key.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    made.key.touch(mode=0o600)
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made.cert.write_bytes(_signed(key).public_bytes(Encoding.PEM))
    return made


def _signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
