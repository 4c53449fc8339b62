"""What a user sees of the own line: settings, codes, phone, last calls. No other number can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from callmodel.codes import FeatureCodes
from callmodel.modes import RecordingMode
from callmodel.subscriber import Subscriber
from catalog.calls import CallRecord
from catalog.store import Catalog
from portals.admin.code_words import REFUSED, TITLES, deed
from portals.admin.pages.calls import talked_s
from portals.admin.pages.softphone import phone_page, plain_file_of, reset_phone, subscriber_of
from portals.admin.pages.users import window
from portals.admin.roles import USER
from portals.admin.site import services_of
from portals.saving import effective_settings
from webkit.routes import page
from webkit.visit import Visit

LAST_CALLS: Final = 20
LAST_RECORDINGS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCall:
    """One of the last calls, as this user sees it."""

    at: datetime
    outgoing: bool
    number: str
    label: str
    result: str | None
    talked_s: float | None
    recorded: bool


async def _own(visit: Visit) -> Subscriber:
    """The subscriber that the account belongs to: never one that the address names."""
    return await subscriber_of(visit, visit.who.facts.get("number", ""))


async def show(visit: Visit) -> web.StreamResponse:
    """Settings, codes and calls."""
    services, user = services_of(visit), await _own(visit)
    settings = await visit.run(effective_settings, services)
    codes = settings.codes or FeatureCodes()
    named = {code.command.value: code.main for code in codes}
    mode = user.recording.mode
    rows = [
        (code, visit.t(TITLES[code.command]), visit.t(deed(mode, code.command, settings), **named))
        for code in codes
        if code.enabled and mode is not RecordingMode.NEVER and deed(mode, code.command, settings) != REFUSED
    ]
    calls = await visit.run(_calls, services.catalog, user.number)
    return await visit.page("me.html", user=user, codes=rows, calls=calls, **window(visit, user))


def _calls(catalog: Catalog, number: str) -> tuple[OwnCall, ...]:
    records = catalog.recordings.list(user=number, limit=LAST_RECORDINGS)
    recorded = {record.manifest.call_id for record in records}
    return tuple(_own_call(call, number, recorded) for call in catalog.calls.list(number=number, limit=LAST_CALLS))


def _own_call(call: CallRecord, number: str, recorded: set[str]) -> OwnCall:
    outgoing = call.caller.number == number
    other = call.callee if outgoing else call.caller
    return OwnCall(
        at=call.started_at,
        outgoing=outgoing,
        number=other.number,
        label=other.label,
        result=call.result,
        talked_s=talked_s(call),
        recorded=call.call_id in recorded,
    )


async def show_phone(visit: Visit) -> web.StreamResponse:
    """The own softphone."""
    return await phone_page(visit, await _own(visit), "me_phone.html")


async def reset(visit: Visit) -> web.StreamResponse:
    """A new password for the own phones."""
    await reset_phone(visit, await _own(visit))
    return visit.redirect("/me/softphone")


async def plain_file(visit: Visit) -> web.StreamResponse:
    """A settings file without a password."""
    return plain_file_of(visit, await _own(visit), visit.match("kind"))


ROUTES: Final = (
    page("GET", "/me", show, allow=USER),
    page("GET", "/me/softphone", show_phone, allow=USER),
    page("POST", "/me/softphone/reset", reset, allow=USER),
    page("GET", "/me/softphone/files/{kind}", plain_file, allow=USER),
)
