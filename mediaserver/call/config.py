"""What the call logic may be told by configuration; every *(choice)* of the recording semantics is a field here."""

from __future__ import annotations

from dataclasses import dataclass, field

from callmodel.modes import FailureBehavior, Language
from feature_codes import FeatureCodes
from mediaserver.media.messages import Codec, ToneAudio


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailConfig:
    """The depositing half of voicemail."""

    max_message_s: int = 180
    silence_s: int = 10
    """Seconds of silence that end a message."""
    min_message_ms: int = 1000
    """Shorter messages are thrown away: the caller hung up on the tone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConfig:
    """Settings of every call; read when a call starts."""

    domain: str
    codecs: tuple[Codec, ...] = (Codec.PCMU, Codec.PCMA, Codec.G722)
    """Offered in this order, after what the caller offered."""
    codes: FeatureCodes = field(default_factory=FeatureCodes)
    code_timeout_s: float = 2.0
    on_demand_stop: str = "refuse"
    """``refuse`` or ``stop``: what ``*45`` does in On Demand."""
    refusal: str = "tone"
    """``tone`` or ``silence``."""
    pause_rendering: str = "cut"
    """``cut``, ``silence`` or ``tone``."""
    mask_digits: bool = True
    bench_capture: str = "off"
    """``off``, ``recorded`` or ``all``."""
    failure_behavior: FailureBehavior = FailureBehavior.PROCEED_SILENTLY
    reminder_tone: ToneAudio = field(default_factory=lambda: ToneAudio(hz=1400.0, on_ms=500))
    beep_tone: ToneAudio = field(default_factory=lambda: ToneAudio(hz=1400.0, on_ms=500))
    refusal_tone: ToneAudio = field(default_factory=lambda: ToneAudio(hz=400.0, on_ms=100, off_ms=100, bursts=3))
    service_language: Language = Language.EN
    """Spoken by the service numbers to callers who are no subscribers."""
    voicemail: VoicemailConfig = field(default_factory=VoicemailConfig)
