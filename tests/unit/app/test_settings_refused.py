"""A setting that cannot be used is refused in one line: its name, where it came from, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from callmodel.errors import ConfigError
from mediaserver.app.commands.configuration import show
from mediaserver.app.config import Settings, load_settings


def refused(tmp_path: Path, text: str = "", **environment: str) -> str:
    """What is said about this file and these variables."""
    file = tmp_path / "media.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        load_settings(file, environment)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('host = "recorder.example"', "host: 'recorder.example' is no IP address; give one such as 192.168.1.10"),
        ('host = ""', "host: give one"),
        ('advertise = "here"', "advertise: 'here' is no IP address; give one such as 192.168.1.10"),
        ('sip_port = "many"', "sip_port: use a whole number"),
        ('media_workers = "many"', "media_workers: use auto, or 1 to 64"),
        (
            'rtp_ports = "20001-20004"',
            "rtp_ports: one call needs 4 ports (RTP and RTCP for two phones), the first of them even",
        ),
        ("recording = 3", "recording: is a table of settings, not a value"),
        ('[calls]\ncodecs = "PCMA"', "calls.codecs: use a list"),
        ('[calls]\ncodecs = ["Opus"]', "calls.codecs, item 1: Input should be 'PCMU', 'PCMA' or 'G722'"),
        ("[calls]\ncodecs = []", "calls.codecs: give at least one"),
        ("[calls]\ndigest_algorithms = []", "calls.digest_algorithms: give at least one"),
        (
            '[calls]\ntrusted_peers = ["192.0.2.1", "trunk"]',
            "calls.trusted_peers, item 2: 'trunk' is no IP address; give one such as 192.168.1.10",
        ),
        ('[codes.start]\nmain = "x"', "codes.start.main is 'x': use 2 to 7 characters"),
        (
            '[uploader]\nbase_url = "http://api.example.com/eu1/v1"',
            "uploader.base_url: use an https address, such as https://api.example.com/eu1/v1: recordings go nowhere "
            "unencrypted",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert refused(tmp_path, text) == told


@pytest.mark.parametrize("domain", ["", "a b", "-a", "a\n"])
def test_a_domain_is_a_name(tmp_path: Path, domain: str) -> None:
    assert "domain" in refused(tmp_path, MEDIASERVER_DOMAIN=domain)


def test_every_interface_needs_an_address_for_phones(tmp_path: Path) -> None:
    """They would be told 0.0.0.0, which to a phone is a call on hold."""
    assert refused(tmp_path, 'host = "0.0.0.0"').startswith("advertise is needed: host 0.0.0.0 means every interface")
    assert load_settings(None, {}, {"host": "0.0.0.0", "advertise": "10.1.2.3"}).advertise == "10.1.2.3"


def test_a_variable_that_is_wrong_is_named_unless_a_flag_replaces_it(tmp_path: Path) -> None:
    told = refused(tmp_path, MEDIASERVER_SIP_PORT="many", MEDIASERVER_RECORDING__REFUSAL="loud")
    assert told.splitlines() == [
        "sip_port (MEDIASERVER_SIP_PORT): use a whole number",
        "recording.refusal (MEDIASERVER_RECORDING__REFUSAL): Input should be 'tone' or 'silent'",
    ]
    assert load_settings(None, {"MEDIASERVER_SIP_PORT": "many"}, {"sip_port": 5062}).sip_port == 5062


def test_variables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, MEDIASERVER_RECORDING="x", MEDIASERVER_RECORDING__REFUSAL="silent")
    assert told == "MEDIASERVER_RECORDING__REFUSAL: another variable gives recording as a whole; remove one of them"


def test_spaces_in_a_list_do_not_matter() -> None:
    settings = load_settings(None, {"MEDIASERVER_CALLS__CODECS": "PCMA, PCMU ,"})
    assert settings.calls.codecs == ("PCMA", "PCMU")


def test_what_is_shown_is_a_file_that_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``config show`` writes empty text where nothing is set."""
    monkeypatch.delenv("MEDIASERVER_CONFIG", raising=False)
    show(None, None, as_json=False)
    file = tmp_path / "shown.toml"
    file.write_text(capsys.readouterr().out, "utf-8")
    assert load_settings(file, {}) == Settings()
