"""What a call wants done: values that the runtime carries out in order."""

from __future__ import annotations

from dataclasses import dataclass

from callmodel.manifest import RecordingManifest
from mediaserver.media.messages import Command, RecordingFinished
from mediaserver.sip.hops import Hop

Fields = tuple[tuple[str, str], ...]
"""Header fields of a refusal: name and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """INVITE one contact."""

    party: str
    target: str
    hop: Hop
    caller_number: str
    caller_label: str
    private: bool
    """The callee is not to know who calls."""
    called: str
    offer: bytes | None
    max_forwards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    party: str
    status: int
    answer: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    party: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    party: str
    status: int
    headers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """End a SIP leg whatever its state: CANCEL, a final response or BYE."""

    party: str
    reason: str = ""
    """Reason of the CANCEL or BYE (RFC 3326)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOffer:
    party: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectOffer:
    party: str
    status: int
    headers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondInfo:
    party: str
    token: int
    status: int
    headers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMedia:
    """Have a port pair bound for a media leg; LegOpened or LegOpenFailed (all ports tried) comes back."""

    leg_id: int
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToWorker:
    """Hand a command to the call's media worker."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTimer:
    """Fire TimerFired(name) at ``at`` (monotonic seconds), replacing a timer of that name; None cancels."""

    name: str
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSpool:
    """Make a recording's directory with its descriptor, then send the StartRecording command that follows."""

    manifest: RecordingManifest
    """What is known at the start; audio facts are zero."""
    kept: bool
    """False while provisional: a crash then destroys it."""
    sample_rate_hz: int
    user_leg: int
    other_leg: int
    at: float
    answered_at: float
    mailbox: bool = False
    """A mailbox message that is not to be delivered to Dubber."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSpool:
    """A provisional recording is to be kept from now on (its descriptor says so after a crash)."""

    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSpool:
    """All audio is on disk: seal it with this manifest and enter it into the catalog and the outbox."""

    manifest: RecordingManifest
    finished: RecordingFinished
    mailbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroySpool:
    """Unlink the directory of a recording that is not kept."""

    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvageSpool:
    """A recording that cannot go on: seal what was written as salvaged, or destroy it when it was provisional."""

    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerOther:
    """A code was dialled as a call: apply it to the user's most recent other call; ``Steered`` comes back."""

    user: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry of the call's event log."""

    kind: str
    """Dotted noun.verb."""
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOver:
    """Nothing more will come from this call; forget it."""

    cause: str


Effect = (
    Dial
    | Progress
    | Accept
    | Reject
    | Release
    | AnswerOffer
    | RejectOffer
    | RespondInfo
    | OpenMedia
    | ToWorker
    | ArmTimer
    | OpenSpool
    | KeepSpool
    | SealSpool
    | DestroySpool
    | SalvageSpool
    | SteerOther
    | Note
    | CallOver
)
