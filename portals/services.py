"""What every page and API of the carrier works with; the composition root makes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from catalog import Catalog
from catalog.service_settings import ServiceSettings
from portals.ports import Dubber, Switchboard
from prompts import REFUSAL, Tone


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """Where phones and people find the parts, as ``mediaserver info`` has it."""

    sip: dict[str, str]
    """``host:port`` by ``udp``, ``tcp``, ``tls``."""
    ca_file: Path
    """PEM file of the certificate authority that phones are to trust."""
    dubber_portal: str = ""
    """URL of Dubber's recordings site; empty when the platform is somebody else's."""
    http: str = ""
    """URL of this server's own pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Handed to every site and API of the carrier's side."""

    catalog: Catalog
    """Blocking: call it in a thread."""
    switchboard: Switchboard
    dubber: Dubber
    data_dir: Path
    domain: str
    """SIP domain and realm of the passwords."""
    reachable: Callable[[], Reachable]
    clock: Callable[[], datetime] = utc_now
    at_rest_key: bytes | None = field(default=None, repr=False)
    """Opens recordings that are encrypted at rest."""
    defaults: ServiceSettings = field(default_factory=ServiceSettings)
    """Service settings as the configuration file has them; what is set in the catalog lies over them."""
    refusal_sound: Tone = REFUSAL
    """What a user hears whose code is refused, as the configuration file has it."""
    prompts_dir: Path | None = None
    """Announcements that the configuration file puts in the place of the built-in ones; uploaded ones lie over them."""
