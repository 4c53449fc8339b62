"""All live calls: hands each its inputs one at a time and carries out its effects in order.

One thread, one queue a call: a reducer never runs inside another's effects, so nothing needs a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog

from callmodel.modes import SteeringChannel
from feature_codes import FeatureCommand
from mediaserver.call import effects as do
from mediaserver.call.call import Call, CallPhase
from mediaserver.call.context import CallContext
from mediaserver.call.inputs import (
    CallInput,
    HangUp,
    MediaInput,
    SipInput,
    Steer,
    Steered,
    TimerFired,
    WorkerLost,
)
from mediaserver.media import messages as media
from mediaserver.runtime.clock import Clock
from mediaserver.runtime.directory import Directory
from mediaserver.runtime.live_call import LiveCall
from mediaserver.runtime.media_pool import MediaPool, MediaWorker
from mediaserver.runtime.recordings import RecordingStore
from mediaserver.runtime.signalling.shell import SipShell
from mediaserver.runtime.spooling import Spooling
from mediaserver.sip import events as sip
from mediaserver.sip.errors import SipError, SipStateError
from mediaserver.sip.user_agent import UserAgent

_log = structlog.get_logger()

TRIES_FOR_A_PORT = 16

OnNote = Callable[[Call, do.Note, float], None]
OnOver = Callable[[Call], None]


class CallHub:
    """The calls of this server."""

    def __init__(
        self,
        *,
        shell: SipShell,
        agent: UserAgent,
        pool: MediaPool,
        directory: Directory,
        recordings: RecordingStore,
        context: CallContext,
        clock: Clock,
        capture_heard: bool,
    ) -> None:
        """Takes over the shell's events and the pool's."""
        self._shell = shell
        self._agent = agent
        self._pool = pool
        self._directory = directory
        self._recordings = recordings
        self._context = context
        self._clock = clock
        self._spooling = Spooling(recordings, capture_heard=capture_heard)
        self._calls: dict[str, LiveCall] = {}
        self._by_sip_leg: dict[int, tuple[LiveCall, str]] = {}
        self._owners: dict[tuple[str, int | str], LiveCall] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.on_note: OnNote = _no_note
        self.on_over: OnOver = _no_over
        self.started = 0
        shell.attach(agent, self._on_sip)
        pool.on_event = self._on_media
        pool.on_lost = self._on_worker_lost

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every live call, oldest first."""
        return tuple(live.call for live in self._calls.values())

    async def idle(self) -> None:
        """Wait until no call is live."""
        await self._idle.wait()

    def use(self, context: CallContext) -> None:
        """Calls that begin from now on are told this; those that run keep what they were told."""
        self._context = context

    def hang_up_all(self, cause: str) -> None:
        """End every call now."""
        for live in tuple(self._calls.values()):
            self._put(live, HangUp(cause=cause))
        self._shell.pump()

    def hang_up(self, call_id: str, cause: str) -> bool:
        """End one call; False when there is none."""
        live = self._calls.get(call_id)
        if live is not None:
            self._put(live, HangUp(cause=cause))
            self._shell.pump()
        return live is not None

    def steer(
        self,
        user: str,
        command: FeatureCommand,
        channel: SteeringChannel,
        *,
        call_id: str | None = None,
        not_call: str = "",
    ) -> bool | None:
        """Steer the recording of a user's most recent call, or of the named one.

        Whether it was accepted; None when the user is in no such call.
        """
        live = next(
            (
                live
                for live in reversed(self._calls.values())
                if self._talks(live, user)
                and live.call.call_id != not_call
                and (call_id is None or live.call.call_id == call_id)
            ),
            None,
        )
        if live is None:
            return None
        now = self._clock.now()
        accepted = False

        def steer() -> None:
            nonlocal accepted
            accepted = live.call.steer(Steer(user=user, command=command, channel=channel), now)
            self._carry_out(live, live.call.take_effects())

        self._edge(live, steer)
        self._drain(live)
        self._shell.pump()
        return accepted

    @staticmethod
    def _talks(live: LiveCall, user: str) -> bool:
        numbers = {party.subscriber.number for party in live.call.parties() if party.subscriber is not None}
        return live.call.phase is CallPhase.ANSWERED and user in numbers

    # --- in -----------------------------------------------------------------------------------

    def _on_sip(self, event: sip.SipEvent) -> None:
        if isinstance(event, sip.Invited):
            self._invited(event)
        elif isinstance(event, sip.Registered):
            _log.info("user.registered", user=event.user, contacts=len(event.contacts))
        elif isinstance(event, sip.Discarded):
            _log.debug("message.discarded", reason=event.reason, source=f"{event.source.host}:{event.source.port}")
        elif not isinstance(event, sip.RegistrationEnded):
            found = self._by_sip_leg.get(event.leg)
            if found is not None:
                live, party = found
                self._put(live, SipInput(party=party, event=event))

    def _invited(self, event: sip.Invited) -> None:
        now = self._clock.now()
        worker = self._pool.choose()
        if worker is None:
            _log.warning("call.not-admitted", called=event.called, why="no media worker has room for another call")
            self._agent.reject(event.leg, 503, now=now, headers=(("Retry-After", "5"),))
            return
        try:
            call = Call(
                call_id=f"c-{self._context.ids.token(64)}",
                invited=event,
                route=self._directory.route(event, now),
                context=self._context,
                now=now,
            )
        except Exception:  # a task's edge: every request ends in a final response
            _log.exception("call.unstarted", called=event.called)
            self._agent.reject(event.leg, 500, now=now)
            return
        live = LiveCall(call=call, worker=worker, sip_legs={"a": event.leg})
        self._calls[call.call_id] = live
        self._by_sip_leg[event.leg] = (live, "a")
        self._idle.clear()
        self.started += 1
        self._edge(live, lambda: self._carry_out(live, call.start(now)))
        self._drain(live)

    def _on_media(self, event: media.Event) -> None:
        live = self._owner(event)
        if live is None:
            return
        if isinstance(event, media.LegOpenFailed) and self._try_next_port(live, event):
            return
        self._put(live, MediaInput(event=event))
        self._shell.pump()

    def _owner(self, event: media.Event) -> LiveCall | None:
        match event:
            case media.PlayStarted(play_id=play_id) | media.PlayEnded(play_id=play_id):
                return self._owners.get(("play", play_id))
            case (
                media.RecordingFinished(recording_id=recording_id)
                | media.RecordingDestroyed(recording_id=recording_id)
                | media.RecordingFailed(recording_id=recording_id)
            ):
                return self._owners.get(("recording", recording_id))
            case media.WorkerLoad():
                return None
            case _:
                return self._owners.get(("leg", event.leg_id))

    def _on_worker_lost(self, worker: MediaWorker) -> None:
        for live in tuple(self._calls.values()):
            if live.worker is worker:
                self._put(live, WorkerLost())
        self._shell.pump()

    def _put(self, live: LiveCall, item: CallInput) -> None:
        live.inbox.append(item)
        self._drain(live)

    def _drain(self, live: LiveCall) -> None:
        if live.busy:
            return
        live.busy = True
        try:
            while live.inbox:
                item = live.inbox.popleft()
                self._edge(live, partial(self._handle, live, item))
        finally:
            live.busy = False

    def _handle(self, live: LiveCall, item: CallInput) -> None:
        self._carry_out(live, live.call.handle(item, self._clock.now()))

    def _edge(self, live: LiveCall, work: Callable[[], None]) -> None:
        """Do a call's work; one call's fault must not harm the others."""
        try:
            work()
        except Exception:  # a task's edge
            _log.exception("call.broken", call=live.call.call_id)
            self._give_up(live)

    # --- out ----------------------------------------------------------------------------------

    def _carry_out(self, live: LiveCall, effects: list[do.Effect]) -> None:
        for effect in effects:
            try:
                self._do(live, effect)
            except SipStateError as error:
                # The leg ended in the same instant; its own event follows and tells the call.
                _log.debug("intent.too-late", call=live.call.call_id, error=str(error))

    def _do(self, live: LiveCall, effect: do.Effect) -> None:  # noqa: C901, PLR0912 -- one arm an effect, flat
        now = self._clock.now()
        legs = live.sip_legs
        match effect:
            case do.Dial():
                self._dial(live, effect, now)
            case do.Progress(party=party, status=status, answer=answer):
                self._agent.progress(legs[party], status, answer, now=now)
            case do.Accept(party=party, body=body):
                self._agent.accept(legs[party], body, now=now)
            case do.Reject(party=party, status=status, headers=headers):
                self._agent.reject(legs[party], status, now=now, headers=headers)
            case do.Release(party=party, reason=reason):
                self._agent.bye(legs[party], reason, now=now)
            case do.AnswerOffer(party=party, body=body):
                self._agent.answer_offer(legs[party], body, now=now)
            case do.RejectOffer(party=party, status=status, headers=headers):
                self._agent.reject_offer(legs[party], status, headers, now=now)
            case do.RespondInfo(party=party, token=token, status=status, headers=headers):
                self._agent.respond_info(legs[party], token, status, headers, now=now)
            case do.OpenMedia(leg_id=leg_id, host=host):
                self._open_media(live, leg_id, host)
            case do.ToWorker(command=command):
                self._to_worker(live, command)
            case do.ArmTimer(name=name, at=at):
                self._arm(live, name, at, now)
            case do.OpenSpool(manifest=manifest):
                self._own(live, "recording", manifest.recording_id)
                self._spooling.open(live, effect)
            case do.KeepSpool() | do.SealSpool() | do.DestroySpool() | do.SalvageSpool():
                self._spooling.settle(effect)
            case do.SteerOther(user=user, code=code):
                self._steer_other(live, user, code)
            case do.Note():
                self.on_note(live.call, effect, now)
            case do.CallOver():
                self._forget(live)

    def _dial(self, live: LiveCall, effect: do.Dial, now: float) -> None:
        try:
            leg = self._agent.call(
                effect.target,
                effect.hop,
                caller_number=effect.caller_number,
                caller_label=effect.caller_label,
                private=effect.private,
                called=effect.called,
                offer=effect.offer,
                max_forwards=effect.max_forwards,
                now=now,
            )
        except SipError as error:
            _log.warning("leg.undialled", call=live.call.call_id, target=effect.target, error=str(error))
            refused = sip.Rejected(leg=0, status=480, reason="cannot be dialled")
            live.inbox.append(SipInput(party=effect.party, event=refused))
            return
        live.sip_legs[effect.party] = leg
        self._by_sip_leg[leg] = (live, effect.party)

    def _open_media(self, live: LiveCall, leg_id: int, host: str) -> None:
        self._own(live, "leg", leg_id)
        port = self._pool.take_port(host)
        if port is None:
            live.inbox.append(MediaInput(event=media.LegOpenFailed(leg_id=leg_id, reason="no-free-port")))
            return
        live.ports[leg_id] = (host, port)
        live.worker.send(media.OpenLeg(call_id=live.call.call_id, leg_id=leg_id, host=host, port=port))

    def _try_next_port(self, live: LiveCall, event: media.LegOpenFailed) -> bool:
        held = live.ports.pop(event.leg_id, None)
        if held is None or event.reason != "address-in-use":
            return False
        live.tries[event.leg_id] += 1
        self._pool.give_back(*held)
        if live.tries[event.leg_id] >= TRIES_FOR_A_PORT:
            return False
        self._open_media(live, event.leg_id, held[0])
        self._drain(live)
        return True

    def _to_worker(self, live: LiveCall, command: media.Command) -> None:
        match command:
            case media.OpenSource(leg_id=leg_id):
                self._own(live, "leg", leg_id)
            case media.Play(play_id=play_id):
                self._own(live, "play", play_id)
            case media.CloseLeg(leg_id=leg_id):
                self._release_port(live, leg_id)
            case media.CloseCall():
                for leg_id in tuple(live.ports):
                    self._release_port(live, leg_id)
            case _:
                pass
        live.worker.send(command)

    def _release_port(self, live: LiveCall, leg_id: int) -> None:
        held = live.ports.pop(leg_id, None)
        if held is not None:
            self._pool.give_back(*held)

    def _give_up(self, live: LiveCall) -> None:
        """End a call whose logic failed: both parties are released, its recordings are settled as after a crash."""
        now = self._clock.now()
        for leg in live.sip_legs.values():
            with suppress(SipError):
                self._agent.bye(leg, now=now)
        for kind, key in live.owned:
            if kind == "recording":
                live.worker.send(media.AbandonRecording(recording_id=str(key)))
                self._recordings.salvage(str(key))
        self._to_worker(live, media.CloseCall(call_id=live.call.call_id))
        live.inbox.clear()
        self._forget(live)

    def _arm(self, live: LiveCall, name: str, at: float | None, now: float) -> None:
        old = live.timers.pop(name, None)
        if old is not None:
            old.cancel()
        if at is not None:
            loop = asyncio.get_running_loop()
            live.timers[name] = loop.call_later(max(0.0, at - now), self._fire, live, name)

    def _fire(self, live: LiveCall, name: str) -> None:
        live.timers.pop(name, None)
        self._put(live, TimerFired(name=name))
        self._shell.pump()

    def _own(self, live: LiveCall, kind: str, number: int | str) -> None:
        self._owners[kind, number] = live
        live.owned.append((kind, number))

    def _steer_other(self, live: LiveCall, user: str, code: str) -> None:
        command = live.call.context.config.codes.lookup(code)
        if command is None:
            return
        accepted = bool(user and self.steer(user, command, SteeringChannel.CALLED_CODE, not_call=live.call.call_id))
        live.inbox.append(Steered(command=command, accepted=accepted))

    def _forget(self, live: LiveCall) -> None:
        for timer in live.timers.values():
            timer.cancel()
        self._calls.pop(live.call.call_id, None)
        for key in live.owned:
            self._owners.pop(key, None)
        for leg in live.sip_legs.values():
            self._by_sip_leg.pop(leg, None)
        if not self._calls:
            self._idle.set()
        try:
            self.on_over(live.call)
        except Exception:  # a task's edge: whoever writes the call down must not keep it from ending
            _log.exception("call.unwritten", call=live.call.call_id)


def _no_note(call: Call, note: do.Note, now: float) -> None:
    """Nobody keeps an event log."""


def _no_over(call: Call) -> None:
    """Nobody waits for the end of calls."""
