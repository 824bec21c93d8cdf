"""HTTPS on this machine: an authority made on the spot, and one certificate that it signs for all of the demo's names.

The authority can speak for names below `localhost` and for nothing else (RFC 5280, 4.2.1.10), lives for a week, and its
key is thrown away once it has signed: whoever trusts it trusts one certificate, and nobody can make a second one.
"""

import os
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE: Final = timedelta(days=7)
SPARE: Final = timedelta(days=1)  # what must be left of a kept certificate's life, or another is made
_SKEW: Final = timedelta(hours=1)  # clocks of other machines, such as a virtual one with the browser, go otherwise


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files that a server and its clients need."""

    authority: Path  # PEM, for whoever wants to trust it
    chain: Path  # PEM, of the server
    key: Path  # PEM, 0600, of the server

    def pin(self) -> str:
        """Which key the server has, as Chromium's `--ignore-certificate-errors-spki-list` wants it."""
        server = x509.load_pem_x509_certificate(self.chain.read_bytes())
        public = server.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(sha256(public).digest()).decode()

    def fingerprint(self) -> str:
        """The SHA-256 of the authority's certificate, as browsers show it."""
        digest = x509.load_pem_x509_certificate(self.authority.read_bytes()).fingerprint(SHA256()).hex().upper()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def certificates(folder: Path, names: Sequence[str], now: datetime | None = None) -> Certificates:
    """Those of this folder, if they are for these names and live another day; otherwise new ones.

    Every name is `localhost` or ends in `.localhost`. Raises `ValueError` for another.
    """
    strange = [name for name in names if name != "localhost" and not name.endswith(".localhost")]
    if strange:
        raise ValueError(f"a demo's certificate is for names below localhost only, not for {strange[0]}")
    now = now or datetime.now(UTC)
    there = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    if not _good(there, names, now):
        _make(there, names, now)
    return there


def _good(there: Certificates, names: Sequence[str], now: datetime) -> bool:
    if not all(path.is_file() for path in (there.authority, there.chain, there.key)):
        return False
    server = x509.load_pem_x509_certificate(there.chain.read_bytes())
    held = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return server.not_valid_after_utc - now > SPARE and set(names) <= set(held.get_values_for_type(x509.DNSName))


def _make(there: Certificates, names: Sequence[str], now: datetime) -> None:
    signer, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _authority(signer, now)
    server = _server(authority, signer, key, names, now)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(there.authority, authority.public_bytes(Encoding.PEM), 0o644)
    _write(there.chain, server.public_bytes(Encoding.PEM), 0o644)
    _write(there.key, secret, 0o600)


def _authority(signer: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Avow demo on this machine, for a week")])
    nowhere = [x509.IPAddress(IPv4Network("0.0.0.0/0")), x509.IPAddress(IPv6Network("::/0"))]
    only = x509.NameConstraints(permitted_subtrees=[x509.DNSName("localhost")], excluded_subtrees=nowhere)
    return (
        _begun(name, name, signer, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(only, critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signer.public_key()), critical=False)
        .sign(signer, SHA256())
    )


def _server(
    authority: x509.Certificate,
    signer: EllipticCurvePrivateKey,
    key: EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Avow demo")])
    return (
        _begun(name, authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFE)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file with this mode from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
