"""The stack's own certificate authority and the certificates that it issues."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provision.secrets import write_private

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME: Final = datetime.timedelta(days=90)
# Servers whose clock is a little behind must accept a certificate made just now.
BACKDATED: Final = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Issued:
    """A certificate chain and its key, as PEM."""

    cert: bytes
    key: bytes


class Authority:
    """Issues certificates for the nodes of one stack."""

    def __init__(self, directory: Path) -> None:
        """Read the authority from its directory, or make it there."""
        self.path = directory / "ca.pem"
        self._key_path = directory / "ca-key.pem"
        if not self.path.exists():
            self._create(directory)
        self._cert = x509.load_pem_x509_certificate(self.path.read_bytes())
        key = serialization.load_pem_private_key(self._key_path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            msg = f"{str(self._key_path)!r} is not an elliptic curve key; run `constat down`, then `constat up`"
            raise TypeError(msg)
        self._key = key

    def issue(self, name: str, hosts: tuple[str, ...]) -> Issued:
        """Issue a certificate for servers and clients, valid for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        cert = (
            _builder(name, self._cert.subject, key)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(_authority_id(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(cert=cert.public_bytes(serialization.Encoding.PEM), key=_pem(key))

    def _create(self, directory: Path) -> None:
        directory.mkdir(mode=0o755, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"constat {directory.parent.name} CA")])
        cert = (
            _builder("", name, key)
            .subject_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_CA_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_path, _pem(key))
        self.path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))


_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
    )
    return builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])) if name else builder


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _authority_id(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
