"""Announcements and tones: what the server can say, in which words, and how it sounds."""

from prompts.catalogue import CATALOGUE, Audience, Prompt, PromptId, spell
from prompts.custom import (
    PromptAudio,
    UploadError,
    UploadProblem,
    check_upload,
    heard_file,
    own_prompts,
    restore,
    save_custom,
)
from prompts.loader import PromptError, PromptLibrary, load_prompts
from prompts.tones import BEEP, DEFAULT_REMINDER, REFUSAL, REMINDERS, VOICEMAIL_BEEP, ReminderPreset, Tone

__all__ = [
    "BEEP",
    "CATALOGUE",
    "DEFAULT_REMINDER",
    "REFUSAL",
    "REMINDERS",
    "VOICEMAIL_BEEP",
    "Audience",
    "Prompt",
    "PromptAudio",
    "PromptError",
    "PromptId",
    "PromptLibrary",
    "ReminderPreset",
    "Tone",
    "UploadError",
    "UploadProblem",
    "check_upload",
    "heard_file",
    "load_prompts",
    "own_prompts",
    "restore",
    "save_custom",
    "spell",
]
