"""The installation's own CA and what it signs."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from callmodel.errors import ConfigError
from mediaserver.app.certificates import RENEW_DAYS, SERVER_DAYS, Certificates, ensure_certificates

NOW = datetime.now(UTC).replace(microsecond=0)
"""The real time, because TLS itself looks at the real clock."""


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def alternative_names(path: Path) -> list[object]:
    """What a certificate says it may be called."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [name.value for name in names]


def shake_hands(files: Certificates, host: str) -> str | None:
    """TLS between two in-memory ends, the client trusting the CA file; the version agreed on."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(files.dubber_cert_file, files.dubber_key_file)
    client_side = ssl.create_default_context(cafile=str(files.ca_file))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "recorder.example"])
def test_a_strict_client_that_trusts_the_ca_accepts_every_name(tmp_path: Path, host: str) -> None:
    """The chain and the names satisfy OpenSSL's strict rules."""
    files = ensure_certificates(tmp_path, ["recorder.example"], NOW)
    assert shake_hands(files, host) == "TLSv1.3"


def test_a_client_refuses_a_name_that_is_not_listed(tmp_path: Path) -> None:
    """The CA's signature alone is not enough."""
    files = ensure_certificates(tmp_path, [], NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(files, "elsewhere.example")


def test_hosts_are_named_once_and_wildcards_not_at_all(tmp_path: Path) -> None:
    """Localhost first, then what was given, in order."""
    hosts = ["0.0.0.0", "[::]", "192.0.2.7", "[2001:db8::7]", "Recorder.Example.", "localhost", "192.0.2.7"]
    files = ensure_certificates(tmp_path, hosts, NOW)
    addresses = [ip_address("192.0.2.7"), ip_address("2001:db8::7")]
    expected = ["localhost", ip_address("127.0.0.1"), ip_address("::1"), *addresses, "recorder.example"]
    assert alternative_names(files.sip_cert_file) == alternative_names(files.dubber_cert_file) == expected


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    """Mode 0600, also when someone widened it."""
    ensure_certificates(tmp_path, [], NOW)
    (tmp_path / "sip.key").chmod(0o644)
    ensure_certificates(tmp_path, [], NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")}
    assert modes == {"ca.key": 0o600, "sip.key": 0o600, "dubber.key": 0o600}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """Fewer hosts than before are no reason either."""
    ensure_certificates(tmp_path, ["recorder.example"], NOW)
    before = contents(tmp_path)
    ensure_certificates(tmp_path, [], NOW + timedelta(days=1))
    assert contents(tmp_path) == before


def test_a_new_host_renews_the_servers_but_not_the_ca(tmp_path: Path) -> None:
    """Clients keep trusting what they trust."""
    ensure_certificates(tmp_path, [], NOW)
    before = contents(tmp_path)
    files = ensure_certificates(tmp_path, ["192.0.2.7"], NOW)
    after = contents(tmp_path)
    assert {name for name in after if after[name] == before[name]} == {"ca.pem", "ca.key"}
    assert ip_address("192.0.2.7") in alternative_names(files.sip_cert_file)


@pytest.mark.parametrize(
    ("days", "renewed"),
    [
        (SERVER_DAYS - RENEW_DAYS - 1, set()),
        (SERVER_DAYS - RENEW_DAYS, {"sip.pem", "sip.key", "dubber.pem", "dubber.key"}),
        (-1, {"ca.pem", "ca.key", "sip.pem", "sip.key", "dubber.pem", "dubber.key"}),
        (3650 - 365, {"ca.pem", "ca.key", "sip.pem", "sip.key", "dubber.pem", "dubber.key"}),
    ],
    ids=["in time", "near its end", "clock set back", "a CA that would end first"],
)
def test_what_is_near_its_end_is_renewed(tmp_path: Path, days: int, renewed: set[str]) -> None:
    """Thirty days ahead; the CA early enough to outlive what it signs."""
    ensure_certificates(tmp_path, [], NOW)
    before = contents(tmp_path)
    ensure_certificates(tmp_path, [], NOW + timedelta(days=days))
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == renewed


@pytest.mark.parametrize("damaged", ["ca.pem", "ca.key", "sip.pem", "sip.key", "dubber.key"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damaged: str) -> None:
    """And whatever hangs on it."""
    ensure_certificates(tmp_path, [], NOW)
    (tmp_path / damaged).write_bytes(b"-----BEGIN NONSENSE-----\n")
    files = ensure_certificates(tmp_path, [], NOW)
    assert shake_hands(files, "localhost") == "TLSv1.3"


def test_a_key_of_another_certificate_is_replaced(tmp_path: Path) -> None:
    """As a crash between the two writes leaves it."""
    ensure_certificates(tmp_path, [], NOW)
    (tmp_path / "dubber.key").write_bytes((tmp_path / "sip.key").read_bytes())
    assert shake_hands(ensure_certificates(tmp_path, [], NOW), "localhost") == "TLSv1.3"


@pytest.mark.parametrize("host", ["", "two words", "a..b", "-x.example", "x" * 254, "http://x"])
def test_a_host_that_is_none_is_named(tmp_path: Path, host: str) -> None:
    """The setting and its value."""
    with pytest.raises(ConfigError, match=r"host: .* is neither an address nor a host name"):
        ensure_certificates(tmp_path, [host], NOW)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Here a file stands where the directory should be."""
    (tmp_path / "tls").write_bytes(b"")
    with pytest.raises(ConfigError, match="data_dir: certificates cannot be kept in"):
        ensure_certificates(tmp_path / "tls", [], NOW)
