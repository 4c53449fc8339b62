"""What the call logic may be told by configuration; every *(choice)* of the recording semantics is a field here."""

from __future__ import annotations

from dataclasses import dataclass, field

from callmodel.modes import FailureBehavior, Language
from feature_codes import FeatureCodes, TableOptions
from mediaserver.media.messages import Codec, ToneAudio
from prompts.tones import BEEP, DEFAULT_REMINDER, REFUSAL, VOICEMAIL_BEEP, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailConfig:
    """The depositing half of voicemail."""

    max_message_s: int = 180
    silence_s: int = 10
    """Seconds of silence that end a message."""
    min_message_ms: int = 1000
    """Shorter messages are thrown away: the caller hung up on the tone."""


def tone_audio(tone: Tone) -> ToneAudio:
    """A tone of the prompt room as the media worker takes it."""
    return ToneAudio(hz=tone.hz, on_ms=tone.on_ms, off_ms=tone.off_ms, bursts=tone.bursts, level_dbm0=tone.level_dbm0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConfig:
    """Settings of every call; read when a call starts."""

    domain: str
    codecs: tuple[Codec, ...] = (Codec.PCMU, Codec.PCMA, Codec.G722)
    """Offered in this order, after what the caller offered."""
    codes: FeatureCodes = field(default_factory=FeatureCodes)
    code_timeout_s: float = 2.0
    table: TableOptions = field(default_factory=TableOptions)
    """What the recording table leaves open."""
    refusal: str = "tone"
    """``tone`` or ``silent``: what a user hears whose code is refused."""
    pause_rendering: str = "cut"
    """``cut``, ``silence`` or ``tone``."""
    mask_digits: bool = True
    bench_capture: str = "off"
    """``off``, ``recorded`` or ``all``."""
    failure_behavior: FailureBehavior = FailureBehavior.PROCEED_SILENTLY
    reminder_tone: ToneAudio = field(default_factory=lambda: tone_audio(DEFAULT_REMINDER.tone))
    beep_tone: ToneAudio = field(default_factory=lambda: tone_audio(BEEP))
    refusal_tone: ToneAudio = field(default_factory=lambda: tone_audio(REFUSAL))
    voicemail_tone: ToneAudio = field(default_factory=lambda: tone_audio(VOICEMAIL_BEEP))
    service_language: Language = Language.EN
    """Spoken by the service numbers to callers who are no subscribers."""
    voicemail: VoicemailConfig = field(default_factory=VoicemailConfig)
