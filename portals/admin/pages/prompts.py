"""Announcements: their words, how they sound, and an installation's own in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from callmodel.modes import Language
from portals.admin.acting import actor_of
from portals.admin.prompt_words import AUDIENCES, GROUPS, NAMES, UPLOAD_PROBLEMS
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.saving import prompts_directory, replace_prompt, restore_prompt
from portals.services import Services
from prompts import CATALOGUE, Audience, PromptId, UploadError, heard_file, own_prompts
from prompts.custom import UPLOAD_LIMIT_BYTES
from prompts.loader import LONGEST_S
from webkit.forms import MAX_FORM_BYTES, Form
from webkit.i18n import NAMES as LANGUAGE_NAMES
from webkit.routes import page
from webkit.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One announcement in one language."""

    prompt: PromptId
    language: Language
    text: str
    own: bool
    """An installation's own is played instead of the built-in one."""
    changed: int
    """Of the file, to the second: part of its address, so that a browser does not play an older one."""

    @property
    def language_name(self) -> str:
        """In its own language."""
        return LANGUAGE_NAMES[self.language.value]

    @property
    def path(self) -> str:
        """Of its page; its sound is ``<path>.wav``."""
        return f"/prompts/{self.language}/{self.prompt}"


async def show(visit: Visit) -> web.StreamResponse:
    """All of them, by what they are for."""
    versions = await visit.run(_versions, services_of(visit))
    groups = [
        (visit.t(title), visit.t(text), [_row(visit, prompt, versions) for prompt in prompts])
        for title, text, prompts in GROUPS
    ]
    return await visit.page("prompts.html", groups=groups, replaced=sum(v.own for v in versions.values()))


def _row(visit: Visit, prompt: PromptId, versions: dict[tuple[PromptId, Language], Version]) -> dict[str, object]:
    entry = CATALOGUE[prompt]
    return {
        "id": prompt.value,
        "name": visit.t(NAMES[prompt]) if prompt in NAMES else prompt.value,
        "audience": visit.t(AUDIENCES[entry.audience]),
        "recorded": entry.recorded,
        "about_recording": entry.audience is not Audience.CALLER,
        "versions": [versions[prompt, language] for language in Language],
    }


def _versions(services: Services) -> dict[tuple[PromptId, Language], Version]:
    own = own_prompts(prompts_directory(services))
    return {
        (prompt, language): _version(services, prompt, language, own=(prompt, language) in own)
        for prompt in PromptId
        for language in Language
    }


def _version(services: Services, prompt: PromptId, language: Language, *, own: bool) -> Version:
    path = heard_file(prompt, language, prompts_directory(services), services.prompts_dir)
    return Version(
        prompt=prompt,
        language=language,
        text=CATALOGUE[prompt].texts[language],
        own=own,
        changed=int(path.stat().st_mtime),
    )


def _asked(visit: Visit) -> tuple[PromptId, Language]:
    prompt, language = visit.match("prompt"), visit.match("language")
    if prompt not in set(PromptId) or language not in set(Language):
        raise web.HTTPNotFound
    return PromptId(prompt), Language(language)


def _find(services: Services, prompt: PromptId, language: Language) -> Version:
    own = (prompt, language) in own_prompts(prompts_directory(services))
    return _version(services, prompt, language, own=own)


async def show_one(visit: Visit) -> web.StreamResponse:
    """One announcement in one language: play, replace, restore."""
    prompt, language = _asked(visit)
    return await _page(visit, await visit.run(_find, services_of(visit), prompt, language))


async def _page(visit: Visit, version: Version, form: Form | None = None) -> web.StreamResponse:
    entry = CATALOGUE[version.prompt]
    return await visit.page(
        "prompt.html",
        status=422 if form else 200,
        version=version,
        name=visit.t(NAMES[version.prompt]) if version.prompt in NAMES else version.prompt.value,
        audience=visit.t(AUDIENCES[entry.audience]),
        recorded=entry.recorded,
        limit_bytes=UPLOAD_LIMIT_BYTES,
        longest_s=LONGEST_S,
        form=form,
    )


async def sound(visit: Visit) -> web.StreamResponse:
    """The file that calls use."""
    prompt, language = _asked(visit)
    services = services_of(visit)
    path = await visit.run(heard_file, prompt, language, prompts_directory(services), services.prompts_dir)
    return web.FileResponse(path, headers={"Content-Type": "audio/wav", "Cache-Control": "private, no-cache"})


async def upload(visit: Visit) -> web.StreamResponse:
    """Use a file of one's own, if it can be an announcement."""
    prompt, language = _asked(visit)
    services, form = services_of(visit), visit.form()
    data = form.file("file", limit=UPLOAD_LIMIT_BYTES)
    if form.ok:
        try:
            audio = await replace_prompt(services, prompt, language, data, actor=actor_of(visit))
        except UploadError as error:
            form.refuse("file", visit.t(UPLOAD_PROBLEMS[error.problem], found=error.found))
        else:
            seconds = f"{audio.length_ms / 1000:.1f}".replace(".", "," if visit.lang == "fr" else ".")
            visit.notice(
                "success",
                visit.t("Your announcement of %(seconds)s s is in use from the next call on. Listen to it below.",
                        seconds=seconds),
            )  # fmt: skip
            return visit.redirect(f"/prompts/{language}/{prompt}")
    return await _page(visit, await visit.run(_find, services, prompt, language), form)


async def restore(visit: Visit) -> web.StreamResponse:
    """Back to the built-in one."""
    prompt, language = _asked(visit)
    if await restore_prompt(services_of(visit), prompt, language, actor=actor_of(visit)):
        visit.notice("success", visit.t("The built-in announcement is in use again from the next call on."))
    else:
        visit.notice("info", visit.t("The built-in announcement was in use already."))
    return visit.redirect(f"/prompts/{language}/{prompt}")


ROUTES: Final = (
    page("GET", "/prompts", show, allow=ADMIN),
    page("GET", "/prompts/{language}/{prompt}.wav", sound, allow=ADMIN),
    page("GET", "/prompts/{language}/{prompt}", show_one, allow=ADMIN),
    page("POST", "/prompts/{language}/{prompt}", upload, allow=ADMIN, max_bytes=UPLOAD_LIMIT_BYTES + MAX_FORM_BYTES),
    page("POST", "/prompts/{language}/{prompt}/restore", restore, allow=ADMIN),
)
