"""Takes users that Dubber is to know out of the catalogue and makes them known, one after the other, until stopped."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callmodel.modes import RecordingMode
from catalog import Catalog, ProviderSettings, ProvisioningState, ProvisioningStatus
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient
from dubber_uploader.clock import Clock, RealClock
from dubber_uploader.planner import Meaning, Outcome, Pace
from dubber_uploader.provisioning import AccountGoneError, Line, find_or_make_account, make_line
from dubber_uploader.provisioning_plan import (
    PROVISIONING_PACE,
    Absent,
    Busy,
    Failure,
    Found,
    Planned,
    Result,
    next_step,
)

log = structlog.get_logger("dubber_uploader")

LEASE: Final = timedelta(seconds=120)
"""How long a row, and the making of the account, stay with whoever took them: longer than an attempt can last."""
NOT_INSTALLED: Final = "call recording is not installed: no Group ID is set"
NOT_INSTALLED_WAIT_S: Final = 60.0
ACCOUNT_BUSY: Final = "the customer's Dubber account is being made"

_CHANCE = random.SystemRandom()


class _UserGoneError(Exception):
    """The subscriber was removed, or recording was switched off for it."""


@dataclass(slots=True)
class _Turn:
    """One row while it is being worked on."""

    claimed: ProvisioningState


class Provisioner:
    """The worker. Several over one catalogue do not hinder each other."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        client: DubberClient,
        pace: Pace = PROVISIONING_PACE,
        poll_s: float = 5.0,
        stop_grace_s: float = 5.0,
        clock: Clock | None = None,
        chance: Callable[[], float] = _CHANCE.random,
        on_change: Callable[[ProvisioningState], None] = lambda _state: None,
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._pace = pace
        self._poll_s = poll_s
        self._stop_grace_s = stop_grace_s
        self._clock = clock or RealClock()
        self._chance = chance
        self._on_change = on_change
        """Told of every row that was worked on, as it is now."""
        self._name = secrets.token_hex(8)
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._recovered = False
        self._held_until: datetime | None = None

    def wake(self) -> None:
        """Something may have become due. From another thread: ``loop.call_soon_threadsafe(provisioner.wake)``."""
        self._wake.set()

    def stop(self) -> None:
        """Ask ``run`` to end: an attempt has ``stop_grace_s`` to finish, and is made again later otherwise."""
        self._stopped.set()
        self._wake.set()

    async def run(self) -> None:
        """Provision until stopped."""
        while not self._stopped.is_set():
            self._wake.clear()
            await self._work_until_stopped()
            await self._rest()

    async def recover(self) -> None:
        """At the start, once: what is waiting, or what a crash left claimed, falls due."""
        if self._recovered:
            return
        now = self._clock.now()
        await asyncio.to_thread(partial(self._catalog.provisioning.stand_still, "", now=now))
        await asyncio.to_thread(self._catalog.provisioning.hurry, now)
        self._recovered = True

    async def provision_due(self, *, limit: int | None = None) -> int:
        """Work on everything that is due now (or on so many), and return how many rows were tried."""
        tried = 0
        while tried != limit and not self._stopped.is_set() and (claimed := await self._claim()) is not None:
            await self._provision(_Turn(claimed))
            tried += 1
        return tried

    async def next_at(self) -> datetime | None:
        """When there will be something to try; None when nothing waits."""
        due_at = await asyncio.to_thread(self._catalog.provisioning.next_due_at)
        if due_at is None or self._held_until is None:
            return due_at
        return max(due_at, self._held_until)

    # --- rhythm ---------------------------------------------------------------------------------

    async def _work_until_stopped(self) -> None:
        work = asyncio.create_task(self._work(), name="provision")
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait([work], timeout=self._stop_grace_s)
        finally:
            stopped.cancel()
            work.cancel()
            _, fault = await asyncio.gather(stopped, work, return_exceptions=True)
        if isinstance(fault, Exception):
            # The edge of a task: a catalogue that cannot be written (a full disk) must not end the provisioner.
            log.error("provisioning.catalogue_fault", exc_info=fault)
            self._held_until = self._clock.now() + timedelta(seconds=self._poll_s)

    async def _work(self) -> None:
        await self.recover()
        await self.provision_due()

    async def _rest(self) -> None:
        """Until somebody wakes us, or something may be due."""
        waits = [
            asyncio.create_task(self._wake.wait()),
            asyncio.create_task(self._clock.sleep(await self._idle_s())),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _idle_s(self) -> float:
        try:
            next_at = await self.next_at()
        except SQLAlchemyError:
            return self._poll_s
        wait_s = self._poll_s if next_at is None else (next_at - self._clock.now()).total_seconds()
        return min(max(wait_s, 0.0), self._poll_s)

    async def _claim(self) -> ProvisioningState | None:
        now = self._clock.now()
        if self._held_until is not None and now < self._held_until:
            return None
        self._held_until = None
        claim = partial(self._catalog.provisioning.claim_due, now, limit=1, lease=LEASE)
        return next(iter(await asyncio.to_thread(claim)), None)

    # --- one row --------------------------------------------------------------------------------

    async def _provision(self, turn: _Turn) -> None:
        """From claim to report."""
        try:
            planned = await self._planned(turn)
        except _UserGoneError:
            await asyncio.to_thread(self._catalog.provisioning.drop, turn.claimed)
            return
        except asyncio.CancelledError:
            back = replace(turn.claimed, next_at=self._clock.now())
            await asyncio.to_thread(self._catalog.provisioning.report, turn.claimed, back)
            raise
        if planned.held_until is not None:
            self._held_until = max(planned.held_until, self._held_until or planned.held_until)
        if await asyncio.to_thread(self._catalog.provisioning.report, turn.claimed, planned.state):
            _tell(planned.state)
            self._on_change(planned.state)

    async def _planned(self, turn: _Turn) -> Planned:
        """What an attempt leads to; a refused token has one second chance."""
        result = await self._result(turn)
        planned = self._next(turn, result)
        if not planned.refresh_token:
            return planned
        try:
            await self._client.refresh_token()
        except AttemptError as error:
            return self._next(turn, Failure(outcome=error.outcome, token_refreshed=True))
        result = await self._result(turn)
        if isinstance(result, Failure):
            result = replace(result, token_refreshed=True)
        return self._next(turn, result)

    def _next(self, turn: _Turn, result: Result) -> Planned:
        return next_step(turn.claimed, result, self._clock.now(), jitter=self._chance(), pace=self._pace)

    async def _result(self, turn: _Turn) -> Result:
        try:
            return await self._attempt(turn)
        except AttemptError as error:
            return Failure(outcome=error.outcome)
        except (_UserGoneError, SQLAlchemyError, asyncio.CancelledError):
            raise
        except Exception as error:
            # The edge of a task: one user that trips over a fault of ours must not stop the others.
            log.exception("provisioning.fault", user=turn.claimed.number)
            return Failure(outcome=Outcome(meaning=Meaning.INTERNAL, detail=type(error).__name__))

    async def _attempt(self, turn: _Turn) -> Result:
        subscriber = await asyncio.to_thread(self._catalog.subscribers.get, turn.claimed.number)
        provider = await asyncio.to_thread(self._catalog.provider.read)
        if subscriber is None or subscriber.recording.mode is RecordingMode.NEVER:
            raise _UserGoneError
        if provider.group_id is None:
            return Busy(reason=NOT_INSTALLED, wait_s=NOT_INSTALLED_WAIT_S)
        if subscriber.dub_point is None:
            outcome = Outcome(meaning=Meaning.REJECTED, detail="the user has no Dubber identifiers")
            return Failure(outcome=outcome)
        found = await self._client.find_dub_point(subscriber.dub_point)
        if found is not None:
            if provider.account_id is None:
                await self._keep_account(found.account_id, provider.group_id)
            return Found(dub_point_id=found.id)
        if turn.claimed.status is ProvisioningStatus.MANUAL:
            return Absent()
        line = Line(subscriber=subscriber, key=subscriber.dub_point, user_id=turn.claimed.user_id)
        return await self._make(turn, line, provider)

    async def _make(self, turn: _Turn, line: Line, provider: ProviderSettings) -> Result:
        made_user = partial(self._keep_user, turn)
        account_id = provider.account_id
        if account_id is not None:
            try:
                made = await make_line(self._client, account_id, line, made_user)
                return Found(dub_point_id=made.id)
            except AccountGoneError:
                forget = partial(self._catalog.provider.forget_account, account_id, now=self._clock.now())
                await asyncio.to_thread(forget)
        account_id = await self._account(provider)
        if account_id is None:
            return Busy(reason=ACCOUNT_BUSY)
        try:
            made = await make_line(self._client, account_id, line, made_user)
        except AccountGoneError as error:
            outcome = Outcome(meaning=Meaning.REJECTED, detail=f"Dubber does not know its account {account_id}")
            raise AttemptError(outcome) from error
        return Found(dub_point_id=made.id)

    async def _account(self, provider: ProviderSettings) -> str | None:
        """The customer's account, made when there is none; None while another makes it."""
        assert provider.group_id is not None
        claim = partial(self._catalog.provider.claim_account, self._name, lease=LEASE, now=self._clock.now())
        if not await asyncio.to_thread(claim):
            return None
        try:
            known = (await asyncio.to_thread(self._catalog.provider.read)).account_id
            account_id = known or await find_or_make_account(self._client, provider.group_id, provider.service_provider)
            await self._keep_account(account_id, provider.group_id)
        finally:
            release = partial(self._catalog.provider.release_account, self._name, now=self._clock.now())
            await asyncio.to_thread(release)
        return account_id

    async def _keep_account(self, account_id: str, group_id: str) -> None:
        keep = partial(self._catalog.provider.set_account, account_id, group_id=group_id, now=self._clock.now())
        await asyncio.to_thread(keep)

    async def _keep_user(self, turn: _Turn, user_id: str) -> None:
        with_user = replace(turn.claimed, user_id=user_id)
        await asyncio.to_thread(self._catalog.provisioning.report, turn.claimed, with_user)
        turn.claimed = with_user


def _tell(state: ProvisioningState) -> None:
    told = log.bind(user=state.number, status=state.status.value, attempts=state.attempts)
    if state.status is ProvisioningStatus.DONE:
        told.info("provisioning.done", dub_point_id=state.dub_point_id)
    elif state.status is ProvisioningStatus.FAILED:
        told.warning("provisioning.failed", problem=state.problem)
    elif state.problem:
        told.info("provisioning.waits", problem=state.problem, until=state.next_at.isoformat())
