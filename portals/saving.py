"""Changes that pages and APIs make: written with their audit entry, and used by the server before this returns.

All run on the event loop and ask the catalogue in a thread. What is refused is an error of the catalogue, whose text
says what to do; ValueError names a field as ``field: what is wrong``.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from callmodel.codes import FeatureCodes
from callmodel.errors import Blame, MediaServerError
from callmodel.modes import Language
from callmodel.subscriber import Subscriber
from catalog import enabling, installing
from catalog.audit import Actor, AuditChange, changed_values
from catalog.enabling import Edit, Edited
from catalog.provider import ProviderSettings
from catalog.service_settings import SETTINGS, ReminderTone, ServiceSettings
from portals.ports import GroupCheck, GroupOutcome
from portals.services import Services
from prompts import PromptAudio, PromptId, check_upload, restore, save_custom

SIP_PASSWORD_BYTES: Final = 12
ACCESS_KEY: Final = "recording_access."
"""Before a number: what this user may do with the own recordings over the API."""


class GroupNotUsableError(MediaServerError):
    """The Dubber platform does not know the Group ID, or could not be asked."""

    blame = Blame.USER
    reason = "group-not-usable"

    def __init__(self, check: GroupCheck) -> None:
        super().__init__(_GROUP_TEXTS[check.outcome])
        self.check = check


_GROUP_TEXTS: Final = {
    GroupOutcome.KNOWN: "Dubber knows this Group ID",
    GroupOutcome.UNKNOWN: "Dubber does not know this Group ID: check it and try again",
    GroupOutcome.UNREACHABLE: "Dubber cannot be reached now: check the connection and try again",
    GroupOutcome.REFUSED: "Dubber refuses the credentials of this server: the uploader's settings need mending",
}


async def edit_users(services: Services, edits: Sequence[Edit], *, actor: Actor) -> Edited:
    """Change users, all or none; GroupIdMissing, TermsNotAccepted, ValueError."""
    done = await asyncio.to_thread(
        enabling.edit_subscribers, services.catalog, edits, domain=services.domain, actor=actor, now=services.clock()
    )
    if done.requested:
        services.dubber.wake()
    await services.switchboard.refresh()
    return done


async def edit_user(
    services: Services, number: str, apply: Callable[[Subscriber], Subscriber], *, actor: Actor
) -> Subscriber:
    """Change one user in one transaction, whoever else is at it."""
    return (await edit_users(services, [Edit(number=number, apply=apply)], actor=actor)).saved[0]


async def remove_user(services: Services, number: str, *, actor: Actor) -> bool:
    """Remove a user; False when there was none. Recordings stay."""
    removed = await asyncio.to_thread(
        enabling.remove_subscriber, services.catalog, number, actor=actor, now=services.clock()
    )
    await asyncio.to_thread(services.catalog.settings.delete, ACCESS_KEY + number)
    await services.switchboard.refresh()
    return removed


async def reset_sip_password(services: Services, number: str, *, actor: Actor) -> str:
    """A new password for a user's phones, told this once; UnknownSubscriberError."""
    password = secrets.token_urlsafe(SIP_PASSWORD_BYTES)
    await asyncio.to_thread(
        enabling.set_sip_password,
        services.catalog,
        number,
        password,
        realm=services.domain,
        actor=actor,
        now=services.clock(),
    )
    await services.switchboard.refresh()
    return password


async def install_group(services: Services, group_id: str, *, actor: Actor) -> ProviderSettings:
    """Install call recording with a Group ID that Dubber knows; GroupNotUsableError, ValueError."""
    check = await services.dubber.check_group(group_id)
    if check.outcome is not GroupOutcome.KNOWN:
        raise GroupNotUsableError(check)
    done = await asyncio.to_thread(
        installing.install_group,
        services.catalog,
        group_id,
        group_name=check.name,
        actor=actor,
        now=services.clock(),
    )
    services.dubber.wake()
    return done


async def remove_group(services: Services, *, actor: Actor) -> bool:
    """Nobody can be enabled any more; False when call recording was not installed."""
    return await asyncio.to_thread(installing.remove_group, services.catalog, actor=actor, now=services.clock())


async def set_auto_provisioning(services: Services, on: bool, *, actor: Actor) -> ProviderSettings:
    """Whether Dubber's users and dub points are made by us."""
    done = await asyncio.to_thread(
        installing.set_auto_provisioning, services.catalog, on, actor=actor, now=services.clock()
    )
    services.dubber.wake()
    return done


async def accept_terms(services: Services, *, actor: Actor) -> ProviderSettings:
    """Accept Dubber's terms of service for the organisation."""
    return await asyncio.to_thread(installing.accept_terms, services.catalog, actor=actor, now=services.clock())


async def retry_provisioning(services: Services, number: str, *, actor: Actor) -> bool:
    """Have a user made known to Dubber again; False unless call recording is on for it. GroupIdMissing."""
    asked = await asyncio.to_thread(
        enabling.retry_provisioning, services.catalog, number, actor=actor, now=services.clock()
    )
    if asked:
        services.dubber.wake()
    return asked


def effective_settings(services: Services) -> ServiceSettings:
    """What the next call uses: what was set, over the configuration file. Blocking."""
    return services.catalog.service_settings.read().over(services.defaults)


async def save_service_settings(
    services: Services, changed: ServiceSettings, *, forget: Iterable[str] = (), actor: Actor
) -> ServiceSettings:
    """Set what is not None, and let the configuration file speak again for the names in ``forget``."""
    after = await asyncio.to_thread(_write_settings, services, changed, tuple(forget), actor)
    await services.switchboard.refresh()
    return after


def _write_settings(
    services: Services, changed: ServiceSettings, forget: tuple[str, ...], actor: Actor
) -> ServiceSettings:
    store, now = services.catalog.service_settings, services.clock()
    before = effective_settings(services)
    if forget:
        store.forget(*forget, now=now)
    store.write(changed, now=now)
    after = effective_settings(services)
    old, new = changed_values(_plain(before), _plain(after))
    if new:
        change = AuditChange(action="service.changed", subject="service settings", before=old, after=new)
        services.catalog.audit.add(change, actor=actor, now=now)
    return after


def _plain(settings: ServiceSettings) -> dict[str, Any]:
    return {name: _plain_value(getattr(settings, name)) for name in SETTINGS}


def _plain_value(value: object) -> Any:
    match value:
        case FeatureCodes():
            return {code.command.value: [code.main, code.alternate, code.enabled] for code in value}
        case ReminderTone():
            return asdict(value)
        case StrEnum():
            return value.value
        case _:
            return value


def prompts_directory(services: Services) -> Path:
    """Where announcements of this installation's own lie."""
    return services.data_dir / "prompts"


async def replace_prompt(
    services: Services, prompt: PromptId, language: Language, data: bytes, *, actor: Actor
) -> PromptAudio:
    """Use an uploaded sound file from the next call on; UploadError says what is wrong with it."""
    audio = await asyncio.to_thread(_replace_prompt, services, prompt, language, data, actor)
    await services.switchboard.refresh()
    return audio


def _replace_prompt(services: Services, prompt: PromptId, language: Language, data: bytes, actor: Actor) -> PromptAudio:
    audio = check_upload(data)
    save_custom(prompts_directory(services), prompt, language, audio)
    after = {"length_ms": round(audio.length_ms), "gain_db": round(audio.gain_db, 1)}
    _prompts_changed(services, "prompt.replaced", f"{language}/{prompt}", after, actor)
    return audio


async def restore_prompt(services: Services, prompt: PromptId, language: Language, *, actor: Actor) -> bool:
    """Use the built-in announcement again; False when it was in use already."""
    done = await asyncio.to_thread(_restore_prompt, services, prompt, language, actor)
    await services.switchboard.refresh()
    return done


def _restore_prompt(services: Services, prompt: PromptId, language: Language, actor: Actor) -> bool:
    if not restore(prompts_directory(services), prompt, language):
        return False
    _prompts_changed(services, "prompt.restored", f"{language}/{prompt}", None, actor)
    return True


def _prompts_changed(services: Services, action: str, subject: str, after: dict[str, Any] | None, actor: Actor) -> None:
    now = services.clock()
    services.catalog.service_settings.prompts_changed(now=now)
    services.catalog.audit.add(AuditChange(action=action, subject=subject, after=after), actor=actor, now=now)
