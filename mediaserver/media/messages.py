"""What the call logic and a media worker say to each other: small values, nothing else.

``at`` is monotonic seconds of the one machine clock (CLOCK_MONOTONIC, shared by
all processes of a machine); in virtual time it is the virtual clock. ``leg_id``
and ``play_id`` are integers the caller picks, unique over the life of the worker.
Everything here is picklable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callmodel.manifest import Mark, MarkKind
from callmodel.modes import SteeringChannel


class Codec(StrEnum):
    """Audio codecs, by their SDP encoding name."""

    PCMU = "PCMU"
    PCMA = "PCMA"
    G722 = "G722"

    @property
    def rtp_clock_hz(self) -> int:
        """RTP clock; 8000 for all three (G.722's is wrong on purpose, RFC 3551 4.5.2)."""
        return 8000

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the decoded audio."""
        return 16000 if self is Codec.G722 else 8000


# --- audio that can be injected ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAudio:
    """A recorded announcement of the prompt catalogue."""

    prompt: str
    """Id in the catalogue, such as ``recording-started``."""
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneAudio:
    """A synthesised tone with 10 ms raised-cosine edges, repeated ``bursts`` times."""

    hz: float
    on_ms: int
    off_ms: int = 0
    bursts: int = 1
    level_dbm0: float = -18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceAudio:
    """Nothing, for a while: a pause between parts of a sequence."""

    ms: int


Audio = PromptAudio | ToneAudio | SilenceAudio


# --- commands: call logic -> worker -------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """Bind an RTP/RTCP port pair for one leg; answered by LegOpened or LegOpenFailed."""

    call_id: str
    leg_id: int
    host: str
    port: int
    """Even RTP port; RTCP is port + 1. 0 in virtual networks means: pick one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLegMedia:
    """What offer/answer settled for a leg; sent again after every re-INVITE or UPDATE."""

    leg_id: int
    codec: Codec
    """What we send."""
    payload_type: int
    """What we send it as."""
    receive_payload_types: tuple[tuple[int, Codec], ...]
    """Every payload type the peer may send, with its codec."""
    telephone_event_send: int | None = None
    telephone_event_receive: int | None = None
    """None: no telephone-event was negotiated, so in-band tones are listened for."""
    remote: tuple[str, int] | None
    """Where the peer's SDP says it wants RTP; None while unknown or refused."""
    remote_rtcp: tuple[str, int] | None = None
    rtcp_mux: bool = False
    trusted_hosts: tuple[str, ...] = ()
    """IP addresses from which a source may be learned: the peer's SDP's and its signalling's."""
    sends: bool = True
    """We may send to it (its direction lets it receive)."""
    receives: bool = True
    """We expect media from it; False (held) exempts it from the media timeout."""
    ptime_ms: int = 20


class SourceKind(StrEnum):
    """What a leg without a socket says."""

    SILENCE = "silence"
    ECHO = "echo"
    TONE = "tone"
    PROMPTS = "prompts"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSource:
    """A leg without a phone: it talks by itself (9001 to 9009, voicemail). Answered by LegOpened, port 0."""

    call_id: str
    leg_id: int
    kind: SourceKind
    audio: tuple[Audio, ...] = ()
    """For TONE (the first one's hz and level, continuous) and PROMPTS (played round and round)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Let media flow between two legs of a call, both ways."""

    call_id: str
    leg_a: int
    leg_b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbridge:
    """Stop the flow; the legs stay open."""

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Mix a sequence over whatever the audience hears, speech ducked. Plays to one leg queue up behind each other."""

    call_id: str
    play_id: int
    audio: tuple[Audio, ...]
    audience: tuple[int, ...]
    """Legs that hear it, starting at the same instant."""
    recorded: bool = True
    """It is heard in the recordings that run on this call, where an audience leg's channel hears it."""
    alone: bool = False
    """It is the other party's voice (voicemail, service numbers), instead of that party's sound and in its channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlay:
    """End a play at once; PlayEnded follows with completed False."""

    play_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReminder:
    """Repeat a tone every ``interval_s`` for a recording, the first one interval from ``at``.

    Burst k starts at ``at + k * interval_s`` within one 20 ms frame and never drifts; a burst that would
    overlap a play waits for its end. Silent while the recording is paused: the call logic disarms and arms anew.
    """

    recording_id: str
    interval_s: int
    tone: ToneAudio
    audience: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DisarmReminder:
    """No more reminders for this recording; a burst that sounds is cut."""

    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDigits:
    """Send key presses to a leg, in order: RFC 4733 where negotiated, else in-band tones."""

    leg_id: int
    digits: str
    duration_ms: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording:
    """Write a recording from ``at`` on. The directory exists already; the worker writes into it only.

    Files while open: ``audio.part`` (WAV PCM16 stereo, header patched at the end; chunks of AES-256-GCM when ``key`` is
    given) and ``marks.jsonl`` (one Mark a line, appended).
    """

    call_id: str
    recording_id: str
    user_leg: int
    """Channel 1."""
    other_leg: int
    """Channel 2."""
    directory: str
    sample_rate_hz: int
    at: float
    answered_at: float
    """Monotonic; zero of ``Mark.call_ms``."""
    key: bytes | None = None
    heard: bool = False
    """Also write the bench's four tracks, ``heard.part`` (FLAC)."""
    pause_rendering: str = "cut"
    """``cut``, ``silence`` or ``tone``."""
    mask_digits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRecording:
    """From ``at`` on no sample of speech is written anywhere."""

    recording_id: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecording:
    """Go on from ``at``."""

    recording_id: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRecording:
    """Note something of the call's on the recording's time line (a code, a hold)."""

    recording_id: str
    kind: MarkKind
    at: float
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRecording:
    """Close at ``at``. ``keep`` False unlinks every byte. Answered by RecordingFinished or RecordingDestroyed."""

    recording_id: str
    at: float
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRecording:
    """Stop writing a recording that failed and close its files as they are; no event follows."""

    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLeg:
    """Release a leg and its ports (RTCP BYE is sent)."""

    leg_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCall:
    """Release all legs of a call. Recordings still open are finished and kept."""

    call_id: str


Command = (
    OpenLeg
    | OpenSource
    | SetLegMedia
    | Bridge
    | Unbridge
    | Play
    | StopPlay
    | ArmReminder
    | DisarmReminder
    | SendDigits
    | StartRecording
    | PauseRecording
    | ResumeRecording
    | MarkRecording
    | FinishRecording
    | AbandonRecording
    | CloseLeg
    | CloseCall
)


# --- events: worker -> call logic ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOpened:
    leg_id: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOpenFailed:
    leg_id: int
    reason: str
    """Slug: ``address-in-use``, ``no-such-address``, ``too-many-files``, ``other``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPacket:
    """The first acceptable RTP packet of a leg (again after its media was set anew)."""

    leg_id: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressLearned:
    """Symmetric RTP: the peer sends from elsewhere than its SDP said, from a trusted host."""

    leg_id: int
    offered: tuple[str, int] | None
    learned: tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """One press heard on a leg, by RFC 4733 or in-band; never sent on by the worker itself."""

    leg_id: int
    digit: str
    channel: SteeringChannel
    at: float
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayStarted:
    play_id: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayEnded:
    play_id: int
    at: float
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegQuiet:
    """Neither RTP nor RTCP for ``quiet_s`` on a leg that should send; told once, re-armed by the next packet."""

    leg_id: int
    quiet_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSilent:
    """A leg's audio has been below -50 dBm0 for ``silent_s`` (told at 5 s and every 5 s on); voicemail ends on it."""

    leg_id: int
    silent_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFinished:
    """All is on disk and synced: ``audio.part`` is a complete WAV (or its encrypted chunks)."""

    recording_id: str
    sample_rate_hz: int
    samples: int
    size_bytes: int
    sha256: str
    encrypted: bool
    heard: tuple[int, int, str] | None
    """Samples, bytes and SHA-256 of ``heard.part``."""
    marks: tuple[Mark, ...]
    first_sample_at: float
    complete: bool = True
    """False when blocks were lost (a full disk): a failed recording, never a short file that looks whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDestroyed:
    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFailed:
    """Could not be opened, or cannot go on; what was written stays for salvage."""

    recording_id: str
    reason: str
    """Slug: ``disk-full``, ``disk-error``, ``queue-full``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStatistics:
    """Counters of one leg; sent when it closes, and on request."""

    leg_id: int
    packets_received: int
    packets_sent: int
    packets_lost: int
    jitter_ms: float
    dropped: tuple[tuple[str, int], ...]
    """Datagrams dropped, by reason slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoad:
    """Once a second."""

    load: float
    """Fraction of one core used, 0 to 1."""
    legs: int
    dropped: tuple[tuple[str, int], ...] = ()


LegEvent = LegOpened | LegOpenFailed | FirstPacket | AddressLearned | Digit | LegQuiet | LegSilent | LegStatistics
"""What is said about one leg."""

Event = (
    LegOpened
    | LegOpenFailed
    | FirstPacket
    | AddressLearned
    | Digit
    | PlayStarted
    | PlayEnded
    | LegQuiet
    | LegSilent
    | RecordingFinished
    | RecordingDestroyed
    | RecordingFailed
    | LegStatistics
    | WorkerLoad
)
