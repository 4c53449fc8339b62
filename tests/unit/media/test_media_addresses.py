"""Socket addresses as raw bytes."""

from __future__ import annotations

import pytest

from mediaserver.media.addresses import address_row, pack_address, same_host, unpack_address


@pytest.mark.parametrize("address", [("192.0.2.7", 4000), ("2001:db8::7", 65535), ("fe80::1%3", 9)])
def test_an_address_survives_its_bytes(address: tuple[str, int]) -> None:
    raw = pack_address(address)
    assert len(raw) == (16 if "." in address[0] else 28)
    assert unpack_address(raw) == (address[0].split("%")[0], address[1])


def test_an_ipv4_address_on_an_ipv6_socket_is_the_ipv4_address() -> None:
    assert unpack_address(pack_address(("::ffff:192.0.2.7", 5))) == ("192.0.2.7", 5)


@pytest.mark.parametrize("address", [("host.example", 5), ("192.0.2.1", 70000)])
def test_what_is_no_address_is_refused(address: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match=r"host\.example|70000"):
        pack_address(address)


def test_no_address_is_no_bytes() -> None:
    row, length = address_row(None)
    assert (bool(row.any()), length) == (False, 0)
    assert unpack_address(b"") is None
    assert unpack_address(row.tobytes()) is None


def test_hosts_are_compared_as_addresses() -> None:
    assert same_host("2001:db8::1", "2001:0db8:0:0::1")
    assert not same_host("192.0.2.1", "192.0.2.2")
    assert same_host("name", "name")
