"""Addresses as clients are told them."""

from __future__ import annotations

import pytest

from mediaserver.app.config import Settings, reachable


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("0.0.0.0:5060", "10.1.2.3:5060"),
        ("https://0.0.0.0:8443/sandbox/v1", "https://10.1.2.3:8443/sandbox/v1"),
        ("http://[::]:8080", "http://10.1.2.3:8080"),
        ("100.0.0.0:5060", "100.0.0.0:5060"),
        ("127.0.0.1:5060", "127.0.0.1:5060"),
        ("[::1]:5060", "[::1]:5060"),
    ],
)
def test_every_interface_is_told_as_one_a_client_can_reach(address: str, told: str) -> None:
    assert reachable(address, "10.1.2.3") == told


@pytest.mark.parametrize(
    ("host", "advertise", "told"),
    [
        ("0.0.0.0", "10.1.2.3", "10.1.2.3"),
        ("::", "2001:db8::7", "[2001:db8::7]"),
        ("192.0.2.1", "10.1.2.3", "10.1.2.3"),
        ("192.0.2.1", "", "192.0.2.1"),
    ],
)
def test_the_advertised_address_comes_first_and_the_one_listened_on_else(host: str, advertise: str, told: str) -> None:
    assert Settings(host=host, advertise=advertise).reachable_host == told
