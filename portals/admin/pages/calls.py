"""Calls: the live ones, which can be steered, and those that are over, with what happened in them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from callmodel.codes import FeatureCommand
from callmodel.modes import Phase, RecordingMode, SteeringChannel
from catalog.audit import AuditChange
from catalog.calls import CallEvent, CallRecord
from catalog.recordings import RecordingRecord
from catalog.store import Catalog
from catalog.subscribers import is_number
from feature_codes import INITIAL_STATE, Cue, RecordingState, TableOptions, advance
from portals.admin.acting import actor_of
from portals.admin.event_words import EventWords
from portals.admin.pages.users import portal_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.ports import LiveCall, LiveRecording, SteerOutcome
from portals.saving import effective_settings
from portals.services import Services
from webkit.routes import page
from webkit.visit import Visit

PAGE_ROWS: Final = 50
MAX_NAMED: Final = 128
MAX_RECORDINGS: Final = 500
MAX_LIVE: Final = 100
"""Live calls that are shown; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUser:
    """One recorded user of a live call, and what may be asked of the recording now."""

    recording: LiveRecording
    name: str
    commands: tuple[FeatureCommand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One live call."""

    call: LiveCall
    users: tuple[LiveUser, ...]
    lasted_s: float
    """Since the answer, or since it was invited while it rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """One call that is over."""

    call: CallRecord
    recordings: tuple[RecordingRecord, ...]

    @property
    def talked_s(self) -> float | None:
        """None when nobody answered."""
        return talked_s(self.call)


def talked_s(call: CallRecord) -> float | None:
    """Seconds from the answer to the end; None when there was no answer, or no end yet."""
    if call.answered_at is None or call.ended_at is None:
        return None
    return (call.ended_at - call.answered_at).total_seconds()


def commands_of(recording: LiveRecording, options: TableOptions) -> tuple[FeatureCommand, ...]:
    """What the recording table accepts and what changes something, of the recording as it stands."""
    if recording.mode is RecordingMode.NEVER or recording.phase is Phase.CLOSED:
        return ()
    return tuple(command for command in FeatureCommand if _fits(recording, command, options))


def _fits(recording: LiveRecording, command: FeatureCommand, options: TableOptions) -> bool:
    # Paused alone does not tell whether the recording is kept: what one of the two accepts may be tried.
    kept = {Phase.RECORDING: (True,), Phase.PAUSED: (True, False)}.get(recording.phase, (False,))
    for bit in kept:
        state = INITIAL_STATE if recording.phase is Phase.READY else RecordingState(phase=recording.phase, kept=bit)
        try:
            step = advance(recording.mode, state, Cue(command.value), options)
        except ValueError:
            continue  # this mode knows no such state
        if not step.refused and not step.repeated:
            return True
    return False


def _options(services: Services) -> TableOptions:
    set_, plain = effective_settings(services), TableOptions()
    return TableOptions(
        on_demand_stop=set_.on_demand_stop or plain.on_demand_stop,
        on_demand_announce=set_.on_demand_announce or plain.on_demand_announce,
        repeated_code=set_.repeated_code or plain.repeated_code,
        announce_on_resume=plain.announce_on_resume if set_.announce_on_resume is None else set_.announce_on_resume,
    )


async def live_rows(visit: Visit) -> tuple[tuple[LiveRow, ...], int]:
    """The live calls, newest first, and how many there are."""
    services = services_of(visit)
    calls = services.switchboard.calls()
    if not calls:
        return (), 0
    options, now = await visit.run(_options, services), visit.now
    rows = []
    for call in calls[::-1][:MAX_LIVE]:
        names = {party.number: party.label or party.number for party in (call.caller, call.callee)}
        users = tuple(
            LiveUser(recording=one, name=names.get(one.user, one.user), commands=commands_of(one, options))
            for one in call.recordings
        )
        lasted_s = (now - (call.answered_at or call.invited_at)).total_seconds()
        rows.append(LiveRow(call=call, users=users, lasted_s=lasted_s))
    return tuple(rows), len(calls)


def past_rows(catalog: Catalog, calls: tuple[CallRecord, ...]) -> tuple[PastRow, ...]:
    """These calls with their recordings."""
    found: dict[str, list[RecordingRecord]] = defaultdict(list)
    if calls:
        since = min(call.started_at for call in calls)
        last = max(call.ended_at or call.started_at for call in calls)
        for recording in catalog.recordings.list(since=since, until=last, limit=MAX_RECORDINGS):
            found[recording.manifest.call_id].append(recording)
    return tuple(PastRow(call=call, recordings=tuple(found[call.call_id])) for call in calls)


def _past(catalog: Catalog, number: str, before: tuple[datetime, str] | None) -> tuple[tuple[PastRow, ...], str]:
    """One page of calls that are over, and where the next begins."""
    calls = catalog.calls.list(number=number or None, before=before, limit=PAGE_ROWS + 1)
    more = len(calls) > PAGE_ROWS
    calls = calls[:PAGE_ROWS]
    after = f"{calls[-1].started_at.isoformat()}~{calls[-1].call_id}" if more else ""
    return past_rows(catalog, calls), after


def _before(text: str) -> tuple[datetime, str] | None:
    at, _, call_id = text.partition("~")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (found, call_id) if found.tzinfo is not None and call_id else None


async def show(visit: Visit) -> web.StreamResponse:
    """Both lists."""
    text = visit.query("number", limit=MAX_NAMED).strip()
    number = text.casefold() if is_number(text.casefold()) else text
    before = _before(visit.query("before", limit=400))
    past, after = await visit.run(_past, services_of(visit).catalog, number, before)
    live, count = await live_rows(visit)
    return await visit.page(
        "calls.html", live=live, count=count, past=past, after=after, number=text, first=before is None
    )


async def show_live(visit: Visit) -> web.StreamResponse:
    """The live calls alone, for a page that looks again and again."""
    if not visit.in_place:
        return visit.redirect("/calls")
    live, count = await live_rows(visit)
    return await visit.page("calls.html", fragment="live", live=live, count=count)


async def steer(visit: Visit) -> web.StreamResponse:
    """Start, stop, pause or resume the recording of one user of a live call."""
    services, form, call_id = services_of(visit), visit.form(), visit.match("call_id")
    user = form.text("user", limit=32, required=True)
    command = form.one_of("command", [command.value for command in FeatureCommand])
    if not form.ok:
        raise web.HTTPBadRequest
    name = _name_of(services, call_id, user)
    outcome = services.switchboard.steer(user, FeatureCommand(command), SteeringChannel.PAGE, call_id=call_id)
    if outcome is SteerOutcome.ACCEPTED:
        change = AuditChange(action="call.steered", subject=user, after={"command": command, "call": call_id})
        await visit.run(services.catalog.audit.add, change, actor=actor_of(visit), now=services.clock())
    kind, told = _outcome(visit, outcome, FeatureCommand(command), name)
    visit.notice(kind, told)
    return visit.redirect("/calls")


def _name_of(services: Services, call_id: str, user: str) -> str:
    """As the call shows it; the number when there is no such call."""
    parties = [
        p for call in services.switchboard.calls() if call.call_id == call_id for p in (call.caller, call.callee)
    ]
    return next((party.label for party in parties if party.number == user and party.label), user)


def _outcome(visit: Visit, outcome: SteerOutcome, command: FeatureCommand, user: str) -> tuple[str, str]:
    if outcome is SteerOutcome.NO_CALL:
        return "warning", visit.t("This call is over, or %(user)s is not in it any more.", user=user)
    if outcome is SteerOutcome.REFUSED:
        return "warning", visit.t(
            "Not possible now: the mode of %(user)s, or where the recording stands, does not allow it.", user=user
        )
    done = {
        FeatureCommand.START: visit.t("The recording of %(user)s was started.", user=user),
        FeatureCommand.STOP: visit.t("The recording of %(user)s was stopped.", user=user),
        FeatureCommand.PAUSE: visit.t("The recording of %(user)s is paused.", user=user),
        FeatureCommand.RESUME: visit.t("The recording of %(user)s goes on.", user=user),
    }
    return "success", done[command]


async def hang_up(visit: Visit) -> web.StreamResponse:
    """End a live call."""
    services, call_id = services_of(visit), visit.match("call_id")
    if services.switchboard.hang_up(call_id):
        change = AuditChange(action="call.hung_up", subject=call_id[:128])
        await visit.run(services.catalog.audit.add, change, actor=actor_of(visit), now=services.clock())
        visit.notice("success", visit.t("The call was ended."))
    else:
        visit.notice("warning", visit.t("That call is over already."))
    return visit.redirect("/calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the event log."""

    event: CallEvent
    after_s: float
    """Since the call came in."""
    text: str
    icon: str


async def show_one(visit: Visit) -> web.StreamResponse:
    """What happened in one call, to the millisecond."""
    services, call_id = services_of(visit), visit.match("call_id")
    call = await visit.run(services.catalog.calls.get, call_id)
    if call is None:
        if any(live.call_id == call_id for live in services.switchboard.calls()):
            visit.notice("info", visit.t("This call is still going on: its event log is written when it is over."))
            return visit.redirect("/calls")
        raise web.HTTPNotFound
    events = await visit.run(services.catalog.calls.events, call_id)
    recordings = await visit.run(services.catalog.recordings.list, call_id=call_id)
    words = EventWords(visit.t, caller=call.caller, callee=call.callee)
    told = [
        Told(
            event=event,
            after_s=(event.at - call.started_at).total_seconds(),
            text=words.text(event.kind, event.data),
            icon=words.icon(event.kind),
        )
        for event in events
    ]
    return await visit.page(
        "call.html", call=call, talked_s=talked_s(call), told=told, recordings=recordings, portal=portal_of(services)
    )


ROUTES: Final = (
    page("GET", "/calls", show, allow=ADMIN),
    page("GET", "/calls/live", show_live, allow=ADMIN),
    page("GET", "/calls/{call_id}", show_one, allow=ADMIN),
    page("POST", "/calls/{call_id}/steer", steer, allow=ADMIN),
    page("POST", "/calls/{call_id}/hang-up", hang_up, allow=ADMIN),
)
