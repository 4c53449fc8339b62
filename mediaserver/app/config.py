"""Configuration: a TOML file, then ``MEDIASERVER_*`` environment variables, then flags. An unknown key is an error.

Environment names are the key in capitals, a table and its key joined by two underscores:
``MEDIASERVER_SIP_PORT=5062``, ``MEDIASERVER_RECORDING__REFUSAL=silent``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from callmodel.errors import ConfigError
from callmodel.modes import FailureBehavior, Language, OnDemandAnnounce, OnDemandStop, RepeatedCode, TonePreset
from feature_codes import FeatureCode, FeatureCodes, FeatureCommand
from mediaserver.media.messages import Codec

ENVIRONMENT_PREFIX: Final = "MEDIASERVER_"
MAX_CONFIG_BYTES: Final = 1 << 20


def _ip(value: str) -> str:
    try:
        return value and str(ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is no IP address; give one such as 192.168.1.10") from None


def _https(value: str) -> str:
    if value and not value.startswith("https://"):
        raise ValueError(
            "use an https address, such as https://api.example.com/eu1/v1: recordings go nowhere unencrypted"
        )
    return value


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Port = Annotated[int, Field(ge=0, le=65535)]
IpAddress = Annotated[str, AfterValidator(_ip)]
HttpsAddress = Annotated[str, AfterValidator(_https)]
FilePath = Annotated[Path | None, BeforeValidator(_nothing)]
"""Empty text is no path: an environment variable has no other way to say so, and ``config show`` writes it."""
PARTS: Final = ("dubber-platform", "uploader", "portals")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CodeSettings(_Table):
    """One feature access code."""

    main: str
    """2 to 7 of ``* # 0-9``; no code may begin another."""
    alternate: Annotated[str | None, BeforeValidator(_nothing)] = None
    """A second one that does the same."""
    enabled: bool = True
    """Switched off, its keys are ordinary keys."""


class CodesSettings(_Table):
    """The feature access codes."""

    start: CodeSettings = CodeSettings(main="*44")
    stop: CodeSettings = CodeSettings(main="*45")
    pause: CodeSettings = CodeSettings(main="*48")
    resume: CodeSettings = CodeSettings(main="*49")
    timeout_s: float = Field(default=2.0, ge=0.2, le=10)
    """How long a begun code waits for its next key."""

    def table(self) -> FeatureCodes:
        """As the collector wants them; ConfigError when two cannot be told apart."""
        return FeatureCodes(
            **{
                command.value: FeatureCode(command=command, **getattr(self, command.value).model_dump())
                for command in FeatureCommand
            }
        )


class ToneTable(_Table):
    """A tone in bursts."""

    hz: float = Field(default=400.0, ge=100, le=3400)
    """Frequency."""
    on_ms: int = Field(default=100, ge=20, le=5000)
    """Length of a burst, its edges of 10 ms included."""
    off_ms: int = Field(default=100, ge=0, le=5000)
    """Silence between two bursts."""
    bursts: int = Field(default=3, ge=1, le=20)
    """How many."""
    level_dbm0: float = Field(default=-18.0, ge=-60, le=0)
    """Level."""


class RecordingTable(_Table):
    """What the platform's documents leave open; each is described in docs/choices.md."""

    on_demand_stop: OnDemandStop = OnDemandStop.REFUSE
    """What the stop code does in *On Demand*."""
    on_demand_announce: OnDemandAnnounce = OnDemandAnnounce.KEEP
    """When *On Demand* plays the start announcement: when the start code is dialled, or at the answer."""
    repeated_code: RepeatedCode = RepeatedCode.NOTICE
    """What a user hears whose code asks for what is already so."""
    announce_on_resume: bool = True
    """Repeat the start announcement to the far party when a pause ends (with announcements on)."""
    refusal: Literal["tone", "silent"] = "tone"
    """What a user hears whose code does not fit."""
    refusal_tone: ToneTable = ToneTable()
    """That tone."""
    duck_db: float = Field(default=12.0, ge=0, le=60)
    """How far speech is lowered under an announcement or a tone."""
    pause_rendering: Literal["cut", "silence", "tone"] = "cut"
    """What a pause is in the finished file."""
    mask_digits: bool = True
    """Keep digits out of logs, pages and recordings; those of a code itself are always shown in the event log."""
    bench_capture: Literal["off", "recorded", "all"] = "off"
    """Whose calls are also kept on four tracks: what each party said and heard."""
    failure_behavior: FailureBehavior = FailureBehavior.PROCEED_SILENTLY
    """What becomes of a call that cannot be recorded."""
    tone_preset: TonePreset = TonePreset.US
    """The reminder tone, by country."""
    at_rest_key_file: FilePath = None
    """32 bytes, or 64 hexadecimal digits: recordings are encrypted with it."""
    prompts_dir: FilePath = None
    """``<language>/<prompt>.wav`` files that replace ours."""


class CallsTable(_Table):
    """Signalling and media of every call."""

    codecs: tuple[Codec, ...] = Field(default=(Codec.PCMU, Codec.PCMA, Codec.G722), min_length=1)
    """Taken and offered, in order of preference."""
    media_timeout_s: float = Field(default=60.0, ge=1, le=86400)
    """A call without RTP and RTCP for so long is ended; a held party is exempt."""
    session_expires_s: int = Field(default=1800, ge=90, le=86400)
    """Session timer (RFC 4028) that is asked for."""
    session_timer: Literal["on", "answer", "off"] = "on"
    """``answer``: only when the other side asks."""
    max_calls: int = Field(default=500, ge=1, le=10_000)
    """Beyond four times as many SIP legs, new calls get 503."""
    trusted_peers: tuple[IpAddress, ...] = ()
    """IP addresses of trunks that may call without credentials."""
    service_language: Language = Language.EN
    """Spoken to callers who are no subscribers."""
    digest_algorithms: tuple[Literal["SHA-256", "MD5"], ...] = Field(default=("SHA-256", "MD5"), min_length=1)
    """Accepted, and offered in this order (see docs/sip-parser.md)."""
    max_load: float = Field(default=0.85, gt=0, le=1)
    """A media worker that uses more of its core takes no new call: 503."""


class VoicemailTable(_Table):
    """Leaving a message."""

    max_message_s: int = Field(default=180, ge=1, le=3600)
    """Longest message."""
    silence_s: int = Field(default=10, ge=5, le=120)
    """Silence that ends a message."""
    min_message_ms: int = Field(default=1000, ge=0, le=10_000)
    """Shorter messages are thrown away."""


class UploaderTable(_Table):
    """Where finished recordings go; empty values are those of the built-in platform."""

    base_url: HttpsAddress = ""
    """Of the platform's API, such as ``https://api.example.com/eu1/v1``."""
    ca_file: FilePath = None
    """PEM file its certificate is checked against; none: the system's."""
    client_id: str = ""
    """What the platform issued to this application."""
    client_secret: str = Field(default="", repr=False)
    """As above."""
    username: str = ""
    """An administrator of the platform's account."""
    password: str = Field(default="", repr=False)
    """As above."""
    group_id: str = ""
    """Whose unidentified list takes recordings without a dub point; counts as installed, with terms accepted."""
    delivery_format: Literal["wav", "mp3"] = "wav"
    """What is sent."""
    part_bytes: int = Field(default=5 * 1024 * 1024, ge=5 * 1024 * 1024, le=512 * 1024 * 1024)
    """Of a multi-part upload."""
    concurrency: int = Field(default=2, ge=1, le=16)
    """Deliveries at a time."""
    remove_after_upload: bool = False
    """Remove the local copy once the platform has confirmed size and digest."""


class DubberTable(_Table):
    """The built-in Dubber platform."""

    region: str = Field(default="sandbox", pattern=r"^[a-z0-9]{1,16}$")
    """First part of its path."""
    calls_per_second: int = Field(default=50, ge=1)
    """Rate limit."""
    calls_per_day: int = Field(default=1_000_000, ge=1)
    """Rate limit."""
    database_url: str = ""
    """SQLAlchemy URL of its database, not the carrier's; empty: SQLite in the data directory."""


class Settings(_Table):
    """Everything, with its default."""

    data_dir: Path = Path("var")
    """Where everything is kept."""
    host: IpAddress = Field(default="127.0.0.1", min_length=1)
    """Address to listen on."""
    advertise: IpAddress = ""
    """Address written into SDP and Contact when it is not ``host``: behind NAT, in a container, on every interface."""
    sip_port: Port = 5060
    """SIP over UDP and TCP; 0 picks a free one, as for the three ports below."""
    tls_port: Port = 5061
    """SIP over TLS."""
    http_port: Port = 8080
    """Portals, APIs, health and metrics."""
    dubber_port: Port = 8443
    """Built-in Dubber platform, HTTPS."""
    rtp_ports: str = "20000-20199"
    """LOW-HIGH within 1024-65535; a call of two phones takes four."""
    domain: str = Field(default="mediaserver.local", pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$")
    """SIP domain, and realm of the passwords: changing it makes every password void."""
    media_workers: int | Literal["auto"] = "auto"
    """Processes for media, 1 to 64; ``auto``: one a core."""
    forwarder: Literal["auto", "native", "python"] = "auto"
    """What handles packets; ``auto``: the native one where it was built."""
    demo_users: bool = False
    """Add users 1000 to 1005."""
    allow_demo_users: bool = False
    """Even on an address that others can reach."""
    without: tuple[Literal["dubber-platform", "uploader", "portals"], ...] = ()
    """Parts that are not to run."""
    drain_s: float = Field(default=0.0, ge=0, le=86400)
    """On stop, running calls may go on for so long."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto``: readable on a terminal, JSON lines elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged."""
    database_url: str = ""
    """SQLAlchemy URL of the carrier's database, such as ``postgresql+psycopg://user:password@host/name`` (install the
    extra ``postgresql``); empty: SQLite in the data directory."""
    codes: CodesSettings = CodesSettings()
    recording: RecordingTable = RecordingTable()
    calls: CallsTable = CallsTable()
    voicemail: VoicemailTable = VoicemailTable()
    uploader: UploaderTable = UploaderTable()
    dubber: DubberTable = DubberTable()

    @field_validator("media_workers", mode="before")
    @classmethod
    def _workers(cls, value: Any) -> Any:
        if isinstance(value, str) and value.removeprefix("-").isdigit():
            value = int(value)
        if value != "auto" and not (isinstance(value, int) and 1 <= value <= 64):
            raise ValueError("use auto, or 1 to 64")
        return value

    @field_validator("rtp_ports")
    @classmethod
    def _rtp_ports(cls, value: str) -> str:
        low, high = _port_range(value)
        if not 1024 <= low < high <= 65535:
            raise ValueError("use LOW-HIGH with 1024 <= LOW < HIGH <= 65535, such as 20000-20199")
        if (high + 1) // 2 - (low + 1) // 2 < 2:
            raise ValueError("one call needs 4 ports (RTP and RTCP for two phones), the first of them even")
        return value

    @model_validator(mode="after")
    def _demo_users_stay_home(self) -> Settings:
        if self.demo_users and not self.allow_demo_users and not is_loopback(self.host):
            raise ValueError(
                f"demo_users on {self.host}: well-known users are refused on an address others can reach; "
                "listen on 127.0.0.1, or say allow_demo_users (--allow-demo-users)"
            )
        self.codes.table()
        return self

    @model_validator(mode="after")
    def _phones_are_told_an_address(self) -> Settings:
        if not self.advertise and ip_address(self.host).is_unspecified:
            raise ValueError(
                f"advertise is needed: host {self.host} means every interface, which is no address phones could send "
                "audio to; give this machine's address in the phones' network (--advertise 192.168.1.10)"
            )
        return self

    @model_validator(mode="after")
    def _two_companies_two_databases(self) -> Settings:
        if self.database_url and self.database_url == self.dubber.database_url:
            raise ValueError(
                "dubber.database_url is the carrier's database_url; give the platform a database of its own"
            )
        return self

    @property
    def rtp_range(self) -> tuple[int, int]:
        """Lowest and highest RTP port."""
        return _port_range(self.rtp_ports)

    @property
    def uploaded_prompts_dir(self) -> Path:
        """Announcements that were uploaded on a page; they lie over those of ``recording.prompts_dir``."""
        return self.data_dir / "prompts"

    @property
    def reachable_host(self) -> str:
        """What clients are told, as in a URL; where we listen on every interface there is always an ``advertise``."""
        host = self.advertise or self.host
        return f"[{host}]" if ":" in host else host

    def runs(self, part: str) -> bool:
        """Whether an optional part is to run."""
        return part not in self.without


def is_loopback(host: str) -> bool:
    """Only this machine can reach it."""
    return ip_address(host).is_loopback


_EVERY_INTERFACE: Final = re.compile(r"(?<![\w.:])(?:0\.0\.0\.0|\[::\])(?=:\d)")


def reachable(address: str, host: str) -> str:
    """An address as a client can use it: where ``host:port`` or a URL means every interface, ``host`` is put there."""
    return _EVERY_INTERFACE.sub(lambda _: host, address)


def load_settings(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """Merge the three sources; ConfigError names the key, where it came from, and what to do."""
    merged: dict[str, Any] = _read_toml(file) if file is not None else {}
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    _merge(merged, _from_environment(environment))
    _merge(merged, given)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        variables = {".".join(_path(name)): name for name in environment if name.startswith(ENVIRONMENT_PREFIX)}
        raise ConfigError(_told(error, {key: name for key, name in variables.items() if key not in given})) from error


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{file} is larger than {MAX_CONFIG_BYTES} bytes; is it the right file?")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}. Check --config and the file's permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        path = _path(name)
        table: Any = found
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{name}: another variable gives {part} as a whole; remove one of them")
        items = [item.strip() for item in value.split(",")]
        table[path[-1]] = [item for item in items if item] if path[-1] in _LISTS else value
    return found


def _path(name: str) -> list[str]:
    return name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")


_LISTS: Final = {"without", "codecs", "trusted_peers", "digest_algorithms"}


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


_WORDS: Final = {
    "extra_forbidden": "no such setting; `mediaserver config show` lists all of them",
    "tuple_type": "use a list",
    "too_short": "give at least one",
    "model_type": "is a table of settings, not a value",
    "int_parsing": "use a whole number",
    "int_type": "use a whole number",
    "string_too_short": "give one",
}


def _told(error: ValidationError, variables: Mapping[str, str]) -> str:
    """One line for each mistake: the setting, the variable it came from if it did, and what to do."""
    lines: list[str] = []
    for problem in error.errors():
        names = [part for part in problem["loc"] if isinstance(part, str)]
        item = next((f", item {part + 1}" for part in problem["loc"] if isinstance(part, int)), "")
        where = ".".join(names)
        if problem["type"] == "too_short" and any(line.startswith(where) for line in lines):
            continue  # only because the items above were refused
        told = _WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        source = f" ({variables[where]})" if where in variables else ""
        lines.append(f"{where}{source}{item}: {told}" if where else told)
    return "\n".join(lines)


def _port_range(value: str) -> tuple[int, int]:
    low, dash, high = value.partition("-")
    if not dash or not low.strip().isdigit() or not high.strip().isdigit():
        raise ValueError("use LOW-HIGH, such as 20000-20199")
    return int(low), int(high)
