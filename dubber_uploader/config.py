"""The uploader's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from callmodel.errors import ConfigError
from dubber_uploader.planner import DEFAULT_PACE, Pace

MIN_PART_BYTES = 5 << 20
MAX_PARTS = 10_000


class DeliveryFormat(StrEnum):
    """What is sent."""

    WAV = "wav"
    MP3 = "mp3"


@dataclass(frozen=True, slots=True, kw_only=True)
class DubberConfig:
    """Where the platform is and who we are there. Secrets stay out of ``repr``."""

    base_url: str
    """``https://host/region/v1``."""
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    """Dubber's *Auth ID*."""
    password: str = field(repr=False)
    """Dubber's *Auth Token*."""
    group_id: str
    """Recordings that match no dub point go to this group."""
    ca_file: Path | None = None
    """A root to trust besides the system's; verification cannot be switched off."""
    calls_per_second: float | None = 2.0
    """Our own restraint, so that the platform need not refuse; None: none."""
    connect_timeout_s: float = 10.0
    call_timeout_s: float = 30.0
    """For a whole API call."""
    idle_timeout_s: float = 60.0
    """For a part: nothing moves for so long."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" or not parts.hostname:
            raise ConfigError("uploader.base_url must be an https address, such as https://api.dubber.net/us/v1")
        if not self.group_id:
            raise ConfigError("uploader.group_id is empty: set the Group ID that Dubber issued")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploaderConfig:
    """How deliveries are made."""

    concurrency: int = 2
    part_size_bytes: int = MIN_PART_BYTES
    """Of every part but the last; the platform wants at least 5 MiB."""
    delivery_format: DeliveryFormat = DeliveryFormat.WAV
    remove_after_upload: bool = False
    """Remove the local copy once the platform has confirmed size and digest."""
    recorder: str = "call-recording-mediaserver"
    """``recorder-identifier`` in the meta tags."""
    poll_s: float = 5.0
    """How often to look for jobs that another process made due."""
    stop_grace_s: float = 5.0
    """How long a delivery may go on after a stop was asked for."""
    pace: Pace = DEFAULT_PACE

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise ConfigError("uploader.concurrency must be at least 1")
        if self.part_size_bytes < 1:
            raise ConfigError("uploader.part_size_bytes must be positive; the platform wants at least 5 MiB")
