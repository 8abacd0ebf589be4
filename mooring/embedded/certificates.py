"""TLS certificate of the server: created at every start, trusted only by clients that name its authority."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.images import REGISTRIES

VALID_DAYS = 365

AWS_NAMES = (
    "*.amazonaws.com",
    "*.queue.amazonaws.com",
    "*.s3.amazonaws.com",
    *(
        f"*.{service}{region}.amazonaws.com"
        for region in REGISTRIES
        for service in ("", "dynamodb.", "ecr.", "s3.", "s3-control.", "sagemaker.")
    ),
)
"""AWS's hosts that the certificate covers, for clients of the proxy; a wildcard stands for one label."""


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files of one certificate authority and the certificate that it signed for localhost."""

    authority: Path
    certificate: Path
    key: Path


def create(folder: Path) -> Certificates:
    """Write a certificate authority and its certificate for ``localhost`` and ``127.0.0.1`` to ``folder``.

    The certificate also covers ``*.localhost`` and AWS's own hosts (``AWS_NAMES``). The authority's key is not kept, so
    nobody can sign another certificate with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificates(authority=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key")
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Mooring's embedded AWS")])
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = (
        _builder(issuer, issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), issuer, server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("localhost"),
                    x509.DNSName("*.localhost"),
                    *(x509.DNSName(name) for name in AWS_NAMES),
                    x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def serves(host: str) -> bool:
    """Return whether the certificate covers a host of AWS."""
    return f"*.{host.lower().partition('.')[2]}" in AWS_NAMES


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
