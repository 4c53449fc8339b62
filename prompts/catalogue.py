"""Every announcement by id: its exact words in each language, who hears it, and whether a recording holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from callmodel.modes import Language


class Audience(StrEnum):
    """Who hears an announcement."""

    BOTH = "both parties"
    DIALLER = "the user who dialled the code"
    RECORDED_USER = "the recorded user"
    CALLER = "whoever called"


class PromptId(StrEnum):
    """Names of announcements; also their file names."""

    RECORDING_STARTED = "recording-started"
    RECORDING_STOPPED = "recording-stopped"
    RECORDING_PAUSED = "recording-paused"
    RECORDING_RESUMED = "recording-resumed"
    RECORDING_FAILED_CONTINUE = "recording-failed-continue"
    RECORDING_FAILED_END = "recording-failed-end"
    VOICEMAIL_GREETING = "voicemail-greeting"
    VOICEMAIL_RECORDED = "voicemail-recorded"
    GOODBYE = "goodbye"
    INVALID_NUMBER = "invalid-number"
    NO_ACTIVE_CALL = "no-active-call"
    DIAL_DIGITS = "dial-digits"
    YOUR_ADDRESS = "your-address"
    PORT = "port"
    YOUR_CODEC = "your-codec"
    CODEC_PCMU = "codec-pcmu"
    CODEC_PCMA = "codec-pcma"
    CODEC_G722 = "codec-g722"
    DOT = "dot"
    COLON = "colon"
    DIGIT_0 = "digit-0"
    DIGIT_1 = "digit-1"
    DIGIT_2 = "digit-2"
    DIGIT_3 = "digit-3"
    DIGIT_4 = "digit-4"
    DIGIT_5 = "digit-5"
    DIGIT_6 = "digit-6"
    DIGIT_7 = "digit-7"
    DIGIT_8 = "digit-8"
    DIGIT_9 = "digit-9"
    STAR = "digit-star"
    POUND = "digit-pound"
    LETTER_A = "digit-a"
    LETTER_B = "digit-b"
    LETTER_C = "digit-c"
    LETTER_D = "digit-d"
    LETTER_E = "letter-e"
    LETTER_F = "letter-f"
    TEST_SPEECH = "test-speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One announcement."""

    id: PromptId
    audience: Audience
    recorded: bool
    """A recording that runs holds it."""
    texts: Mapping[Language, str]


def _prompt(prompt: PromptId, audience: Audience, *, recorded: bool, en: str, fr: str) -> Prompt:
    texts = MappingProxyType({Language.EN: en, Language.FR: fr})
    return Prompt(id=prompt, audience=audience, recorded=recorded, texts=texts)


def _spoken(prompt: PromptId, en: str, fr: str) -> Prompt:
    """A word of the service numbers, which nobody records but their caller."""
    return _prompt(prompt, Audience.CALLER, recorded=True, en=en, fr=fr)


_PROMPTS: Final = (
    _prompt(
        PromptId.RECORDING_STARTED,
        Audience.BOTH,
        recorded=True,
        en="This call is being recorded.",
        fr="Cet appel est enregistré.",
    ),
    _prompt(
        PromptId.RECORDING_STOPPED,
        Audience.BOTH,
        recorded=False,
        en="The recording of this call has ended.",
        fr="L'enregistrement de cet appel est terminé.",
    ),
    _prompt(
        PromptId.RECORDING_PAUSED,
        Audience.DIALLER,
        recorded=False,
        en="Your call recording has been successfully paused.",
        fr="L'enregistrement de votre appel a été interrompu avec succès.",
    ),
    _prompt(
        PromptId.RECORDING_RESUMED,
        Audience.DIALLER,
        recorded=False,
        en="Your call recording service has been successfully resumed.",
        fr="Votre service d'enregistrement des appels a été repris avec succès.",
    ),
    _prompt(
        PromptId.RECORDING_FAILED_CONTINUE,
        Audience.RECORDED_USER,
        recorded=False,
        en="This call could not be recorded.",
        fr="Cet appel n'a pas pu être enregistré.",
    ),
    _prompt(
        PromptId.RECORDING_FAILED_END,
        Audience.BOTH,
        recorded=False,
        en="This call cannot be recorded and will now end.",
        fr="Cet appel ne peut pas être enregistré et va prendre fin.",
    ),
    _spoken(
        PromptId.VOICEMAIL_GREETING,
        "The person you are calling cannot take your call. Please leave a message after the tone.",
        "La personne que vous appelez ne peut pas vous répondre. Veuillez laisser un message après le signal sonore.",
    ),
    _spoken(PromptId.VOICEMAIL_RECORDED, "Your message has been recorded.", "Votre message a été enregistré."),
    _spoken(PromptId.GOODBYE, "Goodbye.", "Au revoir."),
    _spoken(
        PromptId.INVALID_NUMBER,
        "The number you have dialled is not in service. Please check it and call again.",
        "Le numéro que vous avez composé n'est pas attribué. Veuillez le vérifier et rappeler.",
    ),
    _spoken(
        PromptId.NO_ACTIVE_CALL,
        "You have no other call that this code could apply to.",
        "Vous n'avez pas d'autre appel auquel ce code pourrait s'appliquer.",
    ),
    _spoken(
        PromptId.DIAL_DIGITS,
        "Press some keys, and I will say them back to you.",
        "Appuyez sur quelques touches, et je vais vous les répéter.",
    ),
    _spoken(PromptId.YOUR_ADDRESS, "Your address is", "Votre adresse est"),
    _spoken(PromptId.PORT, "port", "port"),
    _spoken(PromptId.YOUR_CODEC, "Your codec is", "Votre codec est"),
    _spoken(PromptId.CODEC_PCMU, "G 711, mu-law", "G 711, loi mu"),
    _spoken(PromptId.CODEC_PCMA, "G 711, A-law", "G 711, loi A"),
    _spoken(PromptId.CODEC_G722, "G 722, wideband", "G 722, large bande"),
    _spoken(PromptId.DOT, "dot", "point"),
    _spoken(PromptId.COLON, "colon", "deux points"),
    _spoken(PromptId.DIGIT_0, "zero", "zéro"),
    _spoken(PromptId.DIGIT_1, "one", "un"),
    _spoken(PromptId.DIGIT_2, "two", "deux"),
    _spoken(PromptId.DIGIT_3, "three", "trois"),
    _spoken(PromptId.DIGIT_4, "four", "quatre"),
    _spoken(PromptId.DIGIT_5, "five", "cinq"),
    _spoken(PromptId.DIGIT_6, "six", "six"),
    _spoken(PromptId.DIGIT_7, "seven", "sept"),
    _spoken(PromptId.DIGIT_8, "eight", "huit"),
    _spoken(PromptId.DIGIT_9, "nine", "neuf"),
    _spoken(PromptId.STAR, "star", "étoile"),
    _spoken(PromptId.POUND, "pound", "dièse"),
    _spoken(PromptId.LETTER_A, "A", "A"),
    _spoken(PromptId.LETTER_B, "B", "B"),
    _spoken(PromptId.LETTER_C, "C", "C"),
    _spoken(PromptId.LETTER_D, "D", "D"),
    _spoken(PromptId.LETTER_E, "E", "E"),
    _spoken(PromptId.LETTER_F, "F", "F"),
    _spoken(
        PromptId.TEST_SPEECH,
        "Good morning, this is the test party speaking. I will go on talking for as long as you listen. "
        "A red boat left the harbour before sunrise, with nine boxes of oranges and one sleepy cat. "
        "By noon the wind had turned, and the quick grey waves were dancing around the lighthouse. "
        "If you can hear every word of this, the line is working well.",
        "Bonjour, ici le correspondant de test. Je vais parler aussi longtemps que vous m'écouterez. "
        "Un bateau rouge a quitté le port avant l'aube, avec neuf caisses d'oranges et un chat endormi. "
        "Vers midi le vent a tourné, et de petites vagues grises dansaient autour du phare. "
        "Si vous entendez chaque mot de ce texte, la ligne fonctionne bien.",
    ),
)

CATALOGUE: Final[Mapping[PromptId, Prompt]] = MappingProxyType({prompt.id: prompt for prompt in _PROMPTS})
"""Every announcement, in the order of the ids."""

_SPELLED: Final = MappingProxyType(
    {
        **{str(n): PromptId(f"digit-{n}") for n in range(10)},
        **{letter: PromptId(f"digit-{letter}") for letter in "abcd"},
        "e": PromptId.LETTER_E,
        "f": PromptId.LETTER_F,
        "*": PromptId.STAR,
        "#": PromptId.POUND,
        ".": PromptId.DOT,
        ":": PromptId.COLON,
    }
)


def spell(text: str) -> tuple[PromptId, ...]:
    """The prompts that say ``text`` (keys, IP addresses, ports) one character at a time; others are left out."""
    return tuple(_SPELLED[char] for char in text.lower() if char in _SPELLED)
