"""Announcements in the words of an administrator: names, groups, who hears them, what is wrong with a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prompts import Audience, PromptId, UploadProblem
from webkit.i18n import mark

NAMES: Final[Mapping[PromptId, str]] = {
    PromptId.RECORDING_STARTED: mark("Recording started"),
    PromptId.RECORDING_STOPPED: mark("Recording stopped"),
    PromptId.RECORDING_PAUSED: mark("Recording paused"),
    PromptId.RECORDING_RESUMED: mark("Recording resumed"),
    PromptId.RECORDING_FAILED_CONTINUE: mark("Recording failed, the call goes on"),
    PromptId.RECORDING_FAILED_END: mark("Recording failed, the call ends"),
    PromptId.VOICEMAIL_GREETING: mark("Voicemail greeting"),
    PromptId.VOICEMAIL_RECORDED: mark("Voicemail: message kept"),
    PromptId.GOODBYE: mark("Voicemail: goodbye"),
    PromptId.INVALID_NUMBER: mark("Number not in service"),
    PromptId.NO_ACTIVE_CALL: mark("No other call for a code"),
    PromptId.DIAL_DIGITS: mark("9004: press keys"),
    PromptId.YOUR_ADDRESS: mark("9005: your address"),
    PromptId.YOUR_CODEC: mark("9005: your codec"),
    PromptId.TEST_SPEECH: mark("9002: the party that talks"),
}
"""The others are single words, named by their id."""

_RECORDING: Final = tuple(PromptId)[: tuple(PromptId).index(PromptId.VOICEMAIL_GREETING)]
_CALLS: Final = (
    PromptId.VOICEMAIL_GREETING,
    PromptId.VOICEMAIL_RECORDED,
    PromptId.GOODBYE,
    PromptId.INVALID_NUMBER,
    PromptId.NO_ACTIVE_CALL,
)

GROUPS: Final = (
    (mark("About recording"), mark("What parties hear when a recording begins, pauses, ends or fails."), _RECORDING),
    (mark("Voicemail and numbers"), mark("What callers hear from a mailbox or an unknown number."), _CALLS),
    (
        mark("Service numbers"),
        mark("Words and sentences of 9001 to 9009."),
        tuple(prompt for prompt in PromptId if prompt not in _RECORDING and prompt not in _CALLS),
    ),
)
"""Title, sentence, announcements."""

AUDIENCES: Final[Mapping[Audience, str]] = {
    Audience.BOTH: mark("both parties"),
    Audience.DIALLER: mark("the user who dialled the code"),
    Audience.RECORDED_USER: mark("the recorded user"),
    Audience.CALLER: mark("whoever called"),
}

UPLOAD_PROBLEMS: Final[Mapping[UploadProblem, str]] = {
    UploadProblem.TOO_LARGE: mark("The file is too large. Send at most 10 MB."),
    UploadProblem.UNREADABLE: mark("This is no sound file that can be read. Save it again as WAV, FLAC or MP3."),
    UploadProblem.FORMAT: mark("The file is %(found)s. Send WAV, FLAC or MP3."),
    UploadProblem.CHANNELS: mark("The file has %(found)s channels. Mix it down to one or two."),
    UploadProblem.RATE: mark("The file is sampled at %(found)s. Use 8 to 48 kHz."),
    UploadProblem.EMPTY: mark("The file holds no sound. Record it again."),
    UploadProblem.TOO_LONG: mark("The announcement is longer than 60 seconds. Shorten it."),
    UploadProblem.NO_NUMBERS: mark("The file holds samples that are not numbers. Save it again as 16 bit PCM."),
    UploadProblem.SILENT: mark("Nothing can be heard in the file. Record it again, louder."),
}
