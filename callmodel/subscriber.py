"""A subscriber of the carrier and the recording settings of its user page."""

from __future__ import annotations

from dataclasses import dataclass, field

from callmodel.modes import Language, NotificationType, RecordingMode

REMINDER_MIN_S = 10
REMINDER_MAX_S = 1800
REMINDER_DEFAULT_S = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DubPointKey:
    """The four-part key that links a line on the carrier to a Dubber user."""

    external_type: str = "BroadWorks"
    service_provider: str
    """The customer's id; at most 30 characters."""
    external_group: str
    """The site's id; at most 30 characters."""
    external_identifier: str
    """The user's id, ``name@domain``; at most 161 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """The recording page of one user; read once, when a call is answered."""

    mode: RecordingMode = RecordingMode.NEVER
    announce_internal: bool = False
    """Play the start/stop announcement on calls between subscribers."""
    announce_pstn: bool = False
    """Play the start/stop announcement on calls with anyone else."""
    notification: NotificationType = NotificationType.NONE
    reminder_s: int | None = None
    """Seconds between reminder tones, 10 to 1800; None is off."""
    record_voicemail: bool = False

    def __post_init__(self) -> None:
        if self.reminder_s is not None and not REMINDER_MIN_S <= self.reminder_s <= REMINDER_MAX_S:
            raise ValueError(f"reminder_s must be {REMINDER_MIN_S} to {REMINDER_MAX_S}, not {self.reminder_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One user of the carrier, without any secret."""

    number: str
    """What others dial: 1 to 32 of ``0-9 a-z + - _ .``; also the SIP user name."""
    name: str = ""
    language: Language = Language.EN
    mailbox: bool = False
    no_answer_s: int = 20
    """Seconds of ringing before voicemail, or 480 without a mailbox."""
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    dub_point: DubPointKey | None = None
