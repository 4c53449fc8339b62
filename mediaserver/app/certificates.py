"""A certificate authority of the installation's own, and what it signs: SIP over TLS, the Dubber platform's site.

    DIRECTORY/ca.pem      what clients are told to trust        DIRECTORY/ca.key      mode 0600
    DIRECTORY/sip.pem     server and client, with the CA behind it   DIRECTORY/sip.key     mode 0600
    DIRECTORY/dubber.pem  server, with the CA behind it         DIRECTORY/dubber.key  mode 0600

Made on first start and looked at on every later one: what is missing, damaged, readable by others, near its
end or silent about a host we answer to is put right. A new CA means new server certificates.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from callmodel.errors import ConfigError

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
CA_DAYS = 3650
SERVER_DAYS = 397
"""Longer ones are refused by browsers."""
RENEW_DAYS = 30
_DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the PEM files are."""

    ca_file: Path
    sip_cert_file: Path
    sip_key_file: Path
    dubber_cert_file: Path
    dubber_key_file: Path


@dataclass(frozen=True, slots=True)
class _Identity:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_certificates(directory: Path, hosts: Sequence[str], now: datetime) -> Certificates:
    """Make or renew whatever is needed so that every file is good for at least 30 more days.

    ``hosts`` are the names and addresses besides localhost that clients reach us by; wildcard addresses name no host
    and are passed over. ConfigError names a host that cannot be one, or a directory that cannot be written.
    """
    names = _general_names(hosts)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        ca = _ensure_ca(directory, now)
        for name, usages in (
            ("sip", (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)),
            ("dubber", (ExtendedKeyUsageOID.SERVER_AUTH,)),
        ):
            _ensure_server(directory, name, ca, names=names, usages=usages, now=now)
    except OSError as error:
        raise ConfigError(f"data_dir: certificates cannot be kept in {directory}: {error.strerror}") from error
    return Certificates(
        ca_file=directory / "ca.pem",
        sip_cert_file=directory / "sip.pem",
        sip_key_file=directory / "sip.key",
        dubber_cert_file=directory / "dubber.pem",
        dubber_key_file=directory / "dubber.key",
    )


def _ensure_ca(directory: Path, now: datetime) -> _Identity:
    """The CA on disk, unless it could not outlive a server certificate signed today."""
    known = _load(directory, "ca")
    if known is not None and _lasts(known.certificate, now, SERVER_DAYS + RENEW_DAYS):
        return known
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Call recording media server"),
            # a number of its own keeps two installations' CAs apart in a list of trusted ones
            x509.NameAttribute(NameOID.COMMON_NAME, f"Call recording media server CA {secrets.token_hex(4)}"),
        ]
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(subject, subject, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    made = _Identity(certificate, key)
    _store(directory, "ca", made, chain=())
    return made


def _ensure_server(
    directory: Path,
    name: str,
    ca: _Identity,
    *,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
) -> None:
    known = _load(directory, name)
    if known is not None and _serves(known.certificate, ca.certificate, names, now):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Call recording media server ({name})")])
    ca_key = ca.key.public_key()
    certificate = (
        _builder(subject, ca.certificate.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    _store(directory, name, _Identity(certificate, key), chain=(ca.certificate,))


def _serves(
    certificate: x509.Certificate, ca: x509.Certificate, names: Sequence[x509.GeneralName], now: datetime
) -> bool:
    """True when it is this CA's, lasts, and names every host."""
    try:
        certificate.verify_directly_issued_by(ca)
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(names) <= set(named) and _lasts(certificate, now, RENEW_DAYS)


def _lasts(certificate: x509.Certificate, now: datetime, days: int) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - timedelta(days=days)


def _general_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    """Names in the order given, each once, localhost first."""
    names: list[x509.GeneralName] = []
    for host in (*ALWAYS_NAMED, *hosts):
        name = _general_name(host)
        if name is not None and name not in names:
            names.append(name)
    return names


def _general_name(host: str) -> x509.GeneralName | None:
    bare = host.strip().removeprefix("[").removesuffix("]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if not _DNS_NAME.fullmatch(bare):
            raise ConfigError(f"host: {host!r} is neither an address nor a host name") from None
        return x509.DNSName(bare)
    return None if address.is_unspecified else x509.IPAddress(address)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    """Valid from an hour ago, so that a client whose clock is a little behind accepts it."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now - timedelta(hours=1) + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _load(directory: Path, name: str) -> _Identity | None:
    """What is on disk, or None when it is missing, damaged, or key and certificate do not belong together."""
    key_file = directory / f"{name}.key"
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    key_file.chmod(0o600)
    return _Identity(certificate, key)


def _store(directory: Path, name: str, made: _Identity, chain: Sequence[x509.Certificate]) -> None:
    """Key first: a crash in between leaves a pair that does not belong together, which the next start replaces."""
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    _write(directory / f"{name}.key", made.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain), 0o600)
    certificates = b"".join(one.public_bytes(pem) for one in (made.certificate, *chain))
    _write(directory / f"{name}.pem", certificates, 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
