"""Settings of the recording service, and its announcements; each holds from the next call on."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import Field

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import FailureBehavior, Language, OnDemandAnnounce, OnDemandStop, RepeatedCode, TonePreset
from catalog.service_settings import TONE_LIMITS, ReminderTone, ServiceSettings
from portals.api.wire import In, Out
from portals.rest import Asked, Route, Scope, refuse
from portals.saving import (
    effective_settings,
    prompts_directory,
    replace_prompt,
    restore_prompt,
    save_service_settings,
)
from prompts import CATALOGUE, Prompt, PromptId, heard_file, own_prompts
from prompts.custom import UPLOAD_LIMIT_BYTES

TAG: Final = "Service"
READ: Final = (Scope.READ,)
WRITE: Final = (Scope.WRITE,)
KEYS: Final = r"^[*#0-9]{2,7}$"
AUDIO: Final = ("audio/wav", "audio/x-wav", "audio/flac", "audio/mpeg", "application/octet-stream")


class Code(Out):
    """What is dialled for one command."""

    main: str
    alternate: str | None = None
    enabled: bool


class Codes(Out):
    """All four."""

    start: Code
    stop: Code
    pause: Code
    resume: Code


class Tone(Out):
    """A reminder tone of one's own."""

    hz: float
    on_ms: int
    off_ms: int
    bursts: int
    level_dbm0: float


class Settings(Out):
    """What the next call uses."""

    codes: Codes | None = None
    reminder: TonePreset | Tone | None = None
    refusal_tone: bool | None = None
    failure_behavior: FailureBehavior | None = None
    announce_on_resume: bool | None = None
    on_demand_stop: OnDemandStop | None = None
    on_demand_announce: OnDemandAnnounce | None = None
    repeated_code: RepeatedCode | None = None


class CodeIn(In):
    """What is dialled for one command."""

    main: str = Field(pattern=KEYS)
    alternate: str | None = Field(default=None, pattern=KEYS)
    enabled: bool = True


class CodesIn(In):
    """All four: whether two can be told apart is a question to the whole table."""

    start: CodeIn
    stop: CodeIn
    pause: CodeIn
    resume: CodeIn


class ToneIn(In):
    """A reminder tone of one's own; all bursts together last at most ten seconds."""

    hz: float = Field(ge=TONE_LIMITS["hz"][0], le=TONE_LIMITS["hz"][1])
    on_ms: int = Field(ge=int(TONE_LIMITS["on_ms"][0]), le=int(TONE_LIMITS["on_ms"][1]))
    off_ms: int = Field(default=0, ge=int(TONE_LIMITS["off_ms"][0]), le=int(TONE_LIMITS["off_ms"][1]))
    bursts: int = Field(default=1, ge=int(TONE_LIMITS["bursts"][0]), le=int(TONE_LIMITS["bursts"][1]))
    level_dbm0: float = Field(default=-18.0, ge=TONE_LIMITS["level_dbm0"][0], le=TONE_LIMITS["level_dbm0"][1])


class SettingsIn(In):
    """What is not sent stays."""

    codes: CodesIn | None = None
    reminder: TonePreset | ToneIn | None = Field(default=None, description="A country's, or one of one's own.")
    refusal_tone: bool | None = None
    failure_behavior: FailureBehavior | None = None
    announce_on_resume: bool | None = None
    on_demand_stop: OnDemandStop | None = None
    on_demand_announce: OnDemandAnnounce | None = None
    repeated_code: RepeatedCode | None = None
    forget: list[
        Literal[
            "codes",
            "reminder",
            "refusal_tone",
            "failure_behavior",
            "announce_on_resume",
            "on_demand_stop",
            "on_demand_announce",
            "repeated_code",
        ]
    ] = Field(default=[], max_length=16, description="Settings for which the configuration file speaks again.")


class PromptEntry(Out):
    """An announcement in one language."""

    prompt: PromptId
    language: Language
    text: str = Field(description="The words of the built-in one.")
    audience: str
    recorded: bool = Field(description="Whether a recording holds it.")
    custom: bool = Field(description="Whether it was replaced by one of the installation's own.")


class Prompts(Out):
    """All of them."""

    items: list[PromptEntry]


class Replaced(Out):
    """The announcement as it will be heard."""

    prompt: PromptId
    language: Language
    length_ms: float
    gain_db: float = Field(description="By how much it was made louder, to be as loud as the others.")


async def get_settings(asked: Asked[None, None]) -> Settings:
    """What was set, over the configuration file."""
    return Settings.model_validate(await asyncio.to_thread(effective_settings, asked.services))


async def patch_settings(asked: Asked[None, SettingsIn]) -> Settings:
    """Change what was sent; all of it, or nothing when something is wrong."""
    body = asked.body
    changed = ServiceSettings(
        codes=None if body.codes is None else _codes(body.codes),
        reminder=ReminderTone(**body.reminder.model_dump()) if isinstance(body.reminder, ToneIn) else body.reminder,
        refusal_tone=body.refusal_tone,
        failure_behavior=body.failure_behavior,
        announce_on_resume=body.announce_on_resume,
        on_demand_stop=body.on_demand_stop,
        on_demand_announce=body.on_demand_announce,
        repeated_code=body.repeated_code,
    )
    return Settings.model_validate(
        await save_service_settings(asked.services, changed, forget=body.forget, actor=asked.actor)
    )


async def list_prompts(asked: Asked[None, None]) -> Prompts:
    """Each in each language."""
    own = await asyncio.to_thread(own_prompts, prompts_directory(asked.services))
    return Prompts(
        items=[
            _entry(prompt, language, custom=(prompt.id, language) in own)
            for prompt in CATALOGUE.values()
            for language in Language
        ]
    )


async def get_prompt(asked: Asked[None, None]) -> web.StreamResponse:
    """As calls hear it, as WAV."""
    prompt, language = _named(asked)
    services = asked.services
    path = await asyncio.to_thread(heard_file, prompt, language, prompts_directory(services), services.prompts_dir)
    return web.FileResponse(path, headers={"Content-Type": "audio/wav"})


async def put_prompt(asked: Asked[None, bytes]) -> Replaced:
    """WAV, FLAC or MP3, at most a minute; it is mixed down, resampled, and made as loud as the others."""
    prompt, language = _named(asked)
    audio = await replace_prompt(asked.services, prompt, language, asked.body, actor=asked.actor)
    return Replaced(prompt=prompt, language=language, length_ms=audio.length_ms, gain_db=audio.gain_db)


async def delete_prompt(asked: Asked[None, None]) -> None:
    """Go back to the built-in one."""
    prompt, language = _named(asked)
    if not await restore_prompt(asked.services, prompt, language, actor=asked.actor):
        raise refuse(404, "the built-in announcement is in use already")


def _named(asked: Asked[Any, Any]) -> tuple[PromptId, Language]:
    try:
        return PromptId(asked.path["prompt"]), Language(asked.path["language"])
    except ValueError as error:
        raise refuse(404, "there is no such announcement") from error


def _codes(codes: CodesIn) -> FeatureCodes:
    return FeatureCodes(
        **{
            command.value: FeatureCode(command=command, **getattr(codes, command.value).model_dump())
            for command in FeatureCommand
        }
    )


def _entry(prompt: Prompt, language: Language, *, custom: bool) -> PromptEntry:
    return PromptEntry(
        prompt=prompt.id,
        language=language,
        text=prompt.texts[language],
        audience=prompt.audience.value,
        recorded=prompt.recorded,
        custom=custom,
    )


_PROMPT: Final = "/prompts/{language}/{prompt}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/settings",
        handler=get_settings,
        summary="What the next call uses",
        tag=TAG,
        scopes=READ,
        answer=Settings,
    ),
    Route(
        method="PATCH",
        path="/settings",
        handler=patch_settings,
        summary="Change codes, tones and failure behaviour",
        tag=TAG,
        scopes=WRITE,
        body=SettingsIn,
        answer=Settings,
    ),
    Route(
        method="GET",
        path="/prompts",
        handler=list_prompts,
        summary="List announcements",
        tag=TAG,
        scopes=READ,
        answer=Prompts,
    ),
    Route(
        method="GET",
        path=_PROMPT,
        handler=get_prompt,
        summary="The sound of an announcement",
        tag=TAG,
        scopes=READ,
        media="audio/wav",
        also=(206, 304),
        errors=(412, 416),
    ),
    Route(
        method="PUT",
        path=_PROMPT,
        handler=put_prompt,
        summary="Replace an announcement",
        tag=TAG,
        scopes=WRITE,
        upload=AUDIO,
        upload_max_bytes=UPLOAD_LIMIT_BYTES,
        answer=Replaced,
    ),
    Route(
        method="DELETE",
        path=_PROMPT,
        handler=delete_prompt,
        summary="Go back to the built-in announcement",
        tag=TAG,
        scopes=WRITE,
        status=204,
    ),
)
