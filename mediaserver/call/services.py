"""The numbers anyone may dial, 9001 to 9009, as data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from callmodel.modes import Language
from mediaserver.media import messages as media
from prompts.catalogue import PromptId, spell

MILLIWATT: Final = media.ToneAudio(hz=1004.0, on_ms=1000, level_dbm0=0.0)
"""The telephone engineer's reference: 1004 Hz at 0 dBm0."""

_GAP_MS: Final = 150
_CODECS: Final = MappingProxyType(
    {"PCMU": PromptId.CODEC_PCMU, "PCMA": PromptId.CODEC_PCMA, "G722": PromptId.CODEC_G722}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one service number does."""

    number: str
    title: str
    source: media.SourceKind = media.SourceKind.SILENCE
    speech: bool = False
    """Talks: the test passage, round and round."""
    tone: media.ToneAudio | None = None
    ring_s: float | None = 0.0
    """Seconds of ringing before it answers; None rings for ever."""
    early_media: bool = False
    refuse_with: int | None = None
    says_digits: bool = False
    says_address: bool = False

    def audio(self, language: Language) -> tuple[media.Audio, ...]:
        """What its source plays."""
        if self.tone is not None:
            return (self.tone,)
        if self.speech:
            return (
                media.PromptAudio(prompt=PromptId.TEST_SPEECH.value, language=language.value),
                media.SilenceAudio(ms=500),
            )
        return ()


SERVICES: Final = MappingProxyType(
    {
        service.number: service
        for service in (
            Service(number="9001", title="echo", source=media.SourceKind.ECHO),
            Service(
                number="9002", title="a party that answers and talks", source=media.SourceKind.PROMPTS, speech=True
            ),
            Service(number="9003", title="1004 Hz milliwatt at 0 dBm0", source=media.SourceKind.TONE, tone=MILLIWATT),
            Service(number="9004", title="says back the digits it got", says_digits=True),
            Service(number="9005", title="says your address and codec", says_address=True),
            Service(number="9006", title="busy", refuse_with=486),
            Service(number="9007", title="rings for ever", ring_s=None),
            Service(
                number="9008",
                title="answers after 5 s of ringing with early media",
                source=media.SourceKind.PROMPTS,
                speech=True,
                ring_s=5.0,
                early_media=True,
            ),
            Service(number="9009", title="answers and stays silent"),
        )
    }
)


def say(language: Language, *prompts: PromptId) -> tuple[media.Audio, ...]:
    """Prompts in a row, with a short silence at the end."""
    words = (media.PromptAudio(prompt=prompt.value, language=language.value) for prompt in prompts)
    return (*words, media.SilenceAudio(ms=_GAP_MS))


def say_keys(keys: str, language: Language) -> tuple[media.Audio, ...]:
    """Keys, one by one."""
    return say(language, *spell(keys))


def say_address(host: str, port: int, codec: str, language: Language) -> tuple[media.Audio, ...]:
    """Where the caller's audio is sent, and how it is coded."""
    return (
        *say(language, PromptId.YOUR_ADDRESS, *spell(host)),
        *say(language, PromptId.PORT, *spell(str(port))),
        *say(language, PromptId.YOUR_CODEC, *((_CODECS[codec],) if codec in _CODECS else ())),
    )
