"""Everything a call can be told: from SIP, from the media worker, from timers, from steering by other ways."""

from __future__ import annotations

from dataclasses import dataclass

from callmodel.modes import SteeringChannel
from feature_codes import FeatureCommand
from mediaserver.media.messages import Event
from mediaserver.sip.events import SipEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SipInput:
    """Something happened on one SIP leg of the call."""

    party: str
    """``a`` is the caller's leg, ``f0``, ``f1``… are the legs that ring the callee."""
    event: SipEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInput:
    """Something the media worker says about this call."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer that the call armed is due."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """A user (or a program for them) steers that user's recording by a way other than keys pressed in this call."""

    user: str
    command: FeatureCommand
    channel: SteeringChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """What became of a ``SteerOther``."""

    command: FeatureCommand
    accepted: bool
    """False: the table refused it, or the user has no other call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingUnavailable:
    """The spool could not open a recording (full, read-only)."""

    recording_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """The media worker that carried this call died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End the call now, from our side."""

    cause: str
    """Slug: ``drain``, ``operator``."""


CallInput = SipInput | MediaInput | TimerFired | Steer | Steered | RecordingUnavailable | WorkerLost | HangUp
