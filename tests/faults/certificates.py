"""Certificates for servers on loopback: an authority that the gateway is made to trust, and what it and others sign."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers.simulation.http_server import LOOPBACK


class Certificate(StrEnum):
    """What is right or wrong with the certificate that a server shows."""

    GOOD = "good"
    EXPIRED = "expired"
    WRONG_HOST = "wrong host"
    SELF_SIGNED = "self-signed"


@dataclass(frozen=True, slots=True)
class _Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """A certificate authority of the tests' own, with a file in `folder` for each certificate.

    All but `SELF_SIGNED` are signed by it, so that each has one thing wrong and no other.
    """

    def __init__(self, folder: Path) -> None:
        root = _sign("Authority of the tests", None, is_authority=True)
        self.bundle = folder / "authorities.pem"
        """The file that holds what is trusted, as certifi's own does."""
        self.bundle.write_bytes(_pem(root.certificate))
        self._chains = {
            kind: _written(folder / f"{kind.name.lower()}.pem", signed)
            for kind, signed in {
                Certificate.GOOD: _sign(LOOPBACK, root),
                Certificate.EXPIRED: _sign(LOOPBACK, root, is_over=True),
                Certificate.WRONG_HOST: _sign("127.0.0.2", root),
                Certificate.SELF_SIGNED: _sign(LOOPBACK, None),
            }.items()
        }

    def show(self, kind: Certificate, context: ssl.SSLContext) -> None:
        """Have the servers of `context` show this certificate from their next connection on."""
        context.load_cert_chain(self._chains[kind])


def _sign(name: str, issuer: _Signed | None, *, is_authority: bool = False, is_over: bool = False) -> _Signed:
    """A certificate of the address or title `name`, signed by `issuer`, or by itself where there is none."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing = issuer.key if issuer else key
    ends = datetime.now(UTC) + timedelta(days=-1 if is_over else 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        address = x509.IPAddress(ipaddress.ip_address(name))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return _Signed(builder.sign(signing, hashes.SHA256()), key)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _written(path: Path, signed: _Signed) -> Path:
    """`path`, with the certificate and its key in it."""
    key = signed.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(key + _pem(signed.certificate))
    return path
