"""The carrier's web side for tests: a real catalogue, real HTTP, and an exchange whose calls a test sets up by hand.

The exchange decides with the product's own recording table; it has no phones and no audio.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from callmodel.codes import FeatureCodes, FeatureCommand
from callmodel.modes import (
    FailureBehavior,
    OnDemandAnnounce,
    OnDemandStop,
    RecordingMode,
    RepeatedCode,
    SteeringChannel,
    TonePreset,
)
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import Catalog
from catalog.audit import Actor
from catalog.enabling import Edit, edit_subscribers
from catalog.installing import accept_terms, install_group
from catalog.service_settings import ServiceSettings
from catalog.store import FILE_NAME
from feature_codes import INITIAL_STATE, Cue, RecordingState, TableOptions, advance
from portals.ports import (
    GroupCheck,
    GroupOutcome,
    LiveCall,
    LiveEvent,
    LiveListener,
    LiveParty,
    LiveRecording,
    SteerOutcome,
)
from portals.rest.bearer import digest_of
from portals.services import Reachable, Services

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DOMAIN = "carrier.test"
GROUP = "acme-group"
TESTER = Actor(name="test")
DEFAULTS = ServiceSettings(
    codes=FeatureCodes(),
    reminder=TonePreset.US,
    refusal_tone=True,
    failure_behavior=FailureBehavior.PROCEED_SILENTLY,
    announce_on_resume=True,
    on_demand_stop=OnDemandStop.REFUSE,
    on_demand_announce=OnDemandAnnounce.KEEP,
    repeated_code=RepeatedCode.NOTICE,
)
PEOPLE = (
    Subscriber(number="1000", name="Nina Never", mailbox=True),
    Subscriber(number="1001", name="Alan Always", recording=RecordingSettings(mode=RecordingMode.ALWAYS)),
    Subscriber(number="1002", name="Paula Pause", recording=RecordingSettings(mode=RecordingMode.ALWAYS_PAUSE_RESUME)),
    Subscriber(number="1003", name="Olga Demand", recording=RecordingSettings(mode=RecordingMode.ON_DEMAND)),
    Subscriber(
        number="1004", name="Ursula Start", recording=RecordingSettings(mode=RecordingMode.ON_DEMAND_USER_START)
    ),
)


@dataclass(slots=True)
class Exchange:
    """Live calls that a test made, steered by the recording table."""

    registrations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refreshed: int = 0
    _calls: dict[str, LiveCall] = field(default_factory=dict)
    _states: dict[tuple[str, str], RecordingState] = field(default_factory=dict)
    _listeners: list[LiveListener] = field(default_factory=list)

    def put_call(
        self, call_id: str, caller: Subscriber | str, callee: Subscriber | str, *, answered: bool = True
    ) -> None:
        """A call that rings, or was answered; every recorded user's recording is where the table has it then."""
        recordings = []
        for user in (caller, callee):
            if answered and isinstance(user, Subscriber) and user.recording.mode is not RecordingMode.NEVER:
                state = advance(user.recording.mode, INITIAL_STATE, Cue.ANSWERED, TableOptions()).to
                self._states[call_id, user.number] = state
                recordings.append(_recording(user.number, user.recording.mode, state))
        self._calls[call_id] = LiveCall(
            call_id=call_id,
            caller=_party(caller),
            callee=_party(callee),
            invited_at=NOW,
            answered_at=NOW if answered else None,
            recordings=tuple(recordings),
        )

    def calls(self) -> tuple[LiveCall, ...]:
        """Every live call, oldest first."""
        return tuple(self._calls.values())

    def steer(
        self, user: str, command: FeatureCommand, channel: SteeringChannel, *, call_id: str | None = None
    ) -> SteerOutcome:
        """What the recording table says."""
        wanted = [call for call in self._calls.values() if call_id in (None, call.call_id)]
        for call in reversed(wanted):
            if call.answered_at is not None and user in (call.caller.number, call.callee.number):
                return self._steer(call, user, command, channel)
        return SteerOutcome.NO_CALL

    def _steer(self, call: LiveCall, user: str, command: FeatureCommand, channel: SteeringChannel) -> SteerOutcome:
        state = self._states.get((call.call_id, user))
        if state is None:
            return SteerOutcome.REFUSED
        mode = next(one.mode for one in call.recordings if one.user == user)
        step = advance(mode, state, Cue(command.value), TableOptions())
        self._states[call.call_id, user] = step.to
        recordings = tuple(_recording(user, mode, step.to) if one.user == user else one for one in call.recordings)
        self._calls[call.call_id] = replace(call, recordings=recordings)
        self.tell(call.call_id, "recording.steered", command=command.value, channel=channel.value)
        return SteerOutcome.REFUSED if step.refused else SteerOutcome.ACCEPTED

    def hang_up(self, call_id: str) -> bool:
        """End a call."""
        ended = self._calls.pop(call_id, None)
        if ended is not None:
            self.tell(call_id, "call.ended")
        return ended is not None

    def registered(self, number: str) -> tuple[str, ...]:
        """As the test says."""
        return self.registrations.get(number, ())

    def subscribe(self, listener: LiveListener) -> Callable[[], None]:
        """Listen."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def tell(self, call_id: str, kind: str, **data: str) -> None:
        """Something happened in a call."""
        for listener in tuple(self._listeners):
            listener(LiveEvent(call_id=call_id, at=NOW, kind=kind, data=data))

    async def refresh(self) -> None:
        """Counts."""
        self.refreshed += 1


def _party(party: Subscriber | str) -> LiveParty:
    if isinstance(party, str):
        return LiveParty(number=party, label="", user=False)
    return LiveParty(number=party.number, label=party.name, user=True)


def _recording(user: str, mode: RecordingMode, state: RecordingState) -> LiveRecording:
    opened = state.is_open
    return LiveRecording(
        user=user,
        phase=state.phase,
        mode=mode,
        recording_id=f"rec-{user}" if opened else None,
        since=NOW if opened else None,
    )


@dataclass(slots=True)
class Groups:
    """A Dubber platform that knows some groups."""

    known: dict[str, str] = field(default_factory=lambda: {GROUP: "Acme"})
    outcome: GroupOutcome | None = None
    """What it says instead."""
    woken: int = 0

    async def check_group(self, group_id: str) -> GroupCheck:
        """Known, or what the test says."""
        if self.outcome is not None:
            return GroupCheck(outcome=self.outcome, problem="as the test says")
        name = self.known.get(group_id)
        if name is None:
            return GroupCheck(outcome=GroupOutcome.UNKNOWN, problem="no such group")
        return GroupCheck(outcome=GroupOutcome.KNOWN, name=name)

    def wake(self) -> None:
        """Counts."""
        self.woken += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSide:
    """Everything the applications are given, and the hands to move it."""

    services: Services
    exchange: Exchange
    groups: Groups

    @property
    def catalog(self) -> Catalog:
        """The carrier's database."""
        return self.services.catalog

    def token(self, *scopes: str, number: str | None = None, name: str = "tester") -> str:
        """A new bearer token."""
        known = len(self.catalog.api_tokens.list())
        secret = f"{name}-{known}-{number or 'all'}"
        self.catalog.api_tokens.issue(digest_of(secret), name=name, scopes=scopes, number=number, now=NOW)
        return secret


def make_web_side(directory: Path, *, installed: bool = True, people: tuple[Subscriber, ...] = PEOPLE) -> WebSide:
    """A catalogue with these people; call recording is installed and the terms are accepted, unless told otherwise."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FILE_NAME).write_bytes(_database(installed, people))
    catalog = Catalog.open_in(directory)
    exchange, groups = Exchange(), Groups()
    services = Services(
        catalog=catalog,
        switchboard=exchange,
        dubber=groups,
        data_dir=directory,
        domain=DOMAIN,
        reachable=lambda: Reachable(sip={}, ca_file=directory / "ca.pem", dubber_portal="https://dubber.test/app"),
        clock=lambda: NOW,
        defaults=DEFAULTS,
    )
    return WebSide(services=services, exchange=exchange, groups=groups)


@cache
def _database(installed: bool, people: tuple[Subscriber, ...]) -> bytes:
    """The file of such a catalogue; made once, as its migrations take longer than most tests."""
    with TemporaryDirectory() as name:
        with Catalog.open_in(Path(name)) as catalog:
            if installed:
                install_group(catalog, GROUP, group_name="Acme", actor=TESTER, now=NOW)
                accept_terms(catalog, actor=TESTER, now=NOW)
            edits = [Edit(number=one.number, apply=_becomes(one)) for one in people]
            edit_subscribers(catalog, edits, domain=DOMAIN, actor=TESTER, now=NOW)
        return (Path(name) / FILE_NAME).read_bytes()


def _becomes(subscriber: Subscriber) -> Callable[[Subscriber], Subscriber]:
    return lambda _: subscriber


@contextmanager
def serving(make: Callable[[], web.Application]) -> Iterator[str]:
    """An application on a loopback port, on an event loop of its own thread; the URL, for clients that block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="web side")
    thread.start()
    try:
        runner = web.AppRunner(make(), shutdown_timeout=1)
        asyncio.run_coroutine_threadsafe(_start(runner), loop).result(30)
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner) -> None:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
