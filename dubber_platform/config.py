"""What a platform is set up with: addresses, lifetimes, sizes and the plan's limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MIB = 1024 * 1024


class Chance(Protocol):
    """Where ids and secrets come from; the standard library's ``secrets`` module fits as it is."""

    def token_bytes(self, nbytes: int, /) -> bytes:
        """``nbytes`` unpredictable bytes."""
        ...

    def token_hex(self, nbytes: int, /) -> str:
        """Twice ``nbytes`` hexadecimal digits."""
        ...

    def token_urlsafe(self, nbytes: int, /) -> str:
        """About 1.3 times ``nbytes`` characters that need no escaping in a URL."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """How often one client may call; None switches a limit off. The defaults are Dubber's usual plan."""

    calls_per_second: int | None = 2
    calls_per_day: int | None = 5000
    """Per UTC day."""
    token_requests_per_day: int | None = 500
    """In any 24 hours, failures counted too."""


UNLIMITED = PlanLimits(calls_per_second=None, calls_per_day=None, token_requests_per_day=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformConfig:
    """One simulated Dubber region."""

    data_dir: Path
    """Audio, parts, the signing key and (unless ``database_url`` says otherwise) the database."""
    database_url: str | None = None
    """SQLAlchemy URL; None is ``DATA_DIR/platform.sqlite``."""
    host: str = "127.0.0.1"
    port: int = 8443
    """HTTPS; 0 picks a free one."""
    plain_port: int | None = None
    """A plain HTTP port that answers every request with error 1025; None opens none."""
    cert_file: Path | None = None
    key_file: Path | None = None
    region: str = "sandbox"
    public_url: str | None = None
    """Origin to write into links, such as ``https://dubber.example:8443``; None takes the request's own Host."""
    access_token_s: int = 24 * 3600
    refresh_token_s: int = 28 * 24 * 3600
    limits: PlanLimits = field(default_factory=PlanLimits)
    part_min_bytes: int = 5 * MIB
    """Of every part but the last."""
    part_max_bytes: int = 64 * MIB
    upload_max_bytes: int = 2048 * MIB
    upload_ttl_s: int = 24 * 3600
    """An upload not completed by then is dropped, parts and recording."""
    part_url_ttl_s: int = 900
    part_idle_s: float = 60.0
    """A part whose sender falls silent for so long is given up."""
    listener_url_ttl_s: int = 30
    retention_days: int = 90
    pull_hosts: frozenset[str] = frozenset()
    """Hosts from which a ``recording_url`` may be fetched; empty: none."""
    hook_hosts: frozenset[str] = frozenset()
    """Hosts to which notifications may be posted; empty: none."""
    hook_attempts: int = 6
    """Deliveries tried before an event becomes unclaimed."""

    @property
    def base_path(self) -> str:
        """Path below which the API lives."""
        return f"/{self.region}/v1"

    @property
    def sqlalchemy_url(self) -> str:
        """URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'platform.sqlite'}"
