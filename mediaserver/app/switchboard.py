"""The live side of the server as the portals know it (``portals.ports.Switchboard``)."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from callmodel.modes import SteeringChannel
from catalog import CallEvent
from feature_codes import FeatureCommand
from mediaserver.call.call import Call, CallPhase
from mediaserver.call.party import Party
from mediaserver.runtime.server import MediaServer
from portals.ports import LiveCall, LiveEvent, LiveListener, LiveParty, LiveRecording, SteerOutcome

_LIVE: Final = (CallPhase.OPENING, CallPhase.RINGING, CallPhase.ANSWERED)
_OUTCOMES: Final = MappingProxyType(
    {True: SteerOutcome.ACCEPTED, False: SteerOutcome.REFUSED, None: SteerOutcome.NO_CALL}
)


class LiveSwitchboard:
    """Over a media server that has started; on its event loop."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server

    def calls(self) -> tuple[LiveCall, ...]:
        """Every live call, oldest first; one whose recordings are still being written out is over."""
        return tuple(self._shown(call) for call in self._live())

    def steer(
        self, user: str, command: FeatureCommand, channel: SteeringChannel, *, call_id: str | None = None
    ) -> SteerOutcome:
        """Steer a user's recording in the named call, or in the user's most recent one."""
        return _OUTCOMES[self._server.hub.steer(user, command, channel, call_id=call_id)]

    def hang_up(self, call_id: str) -> bool:
        """End a call; False when there is none of that id."""
        return any(call.call_id == call_id for call in self._live()) and self._server.hub.hang_up(call_id, "operator")

    def registered(self, number: str) -> tuple[str, ...]:
        """URIs under which a subscriber's phones are registered now."""
        server = self._server
        return tuple(str(binding.contact) for binding in server.registrar.bindings(number, server.clock.now()))

    def subscribe(self, listener: LiveListener) -> Callable[[], None]:
        """Tell a listener of every event from now on; what is returned ends that, and may be called again."""

        def heard(call_id: str, event: CallEvent) -> None:
            listener(LiveEvent(call_id=call_id, at=event.at, kind=event.kind, data=MappingProxyType(event.data)))

        listeners = self._server.journal.listeners
        listeners.append(heard)

        def leave() -> None:
            if heard in listeners:
                listeners.remove(heard)

        return leave

    async def refresh(self) -> None:
        """Use what the catalog says now for the next call."""
        await self._server.refresh()

    def _live(self) -> tuple[Call, ...]:
        return tuple(call for call in self._server.hub.calls if call.phase in _LIVE)

    def _shown(self, call: Call) -> LiveCall:
        wall = self._server.clock.wall
        return LiveCall(
            call_id=call.call_id,
            caller=_party(call.a),
            callee=_party(call.b),
            invited_at=wall(call.invited_at),
            answered_at=None if call.answered_at is None else wall(call.answered_at),
            recordings=tuple(
                LiveRecording(
                    user=standing.user,
                    phase=standing.phase,
                    mode=standing.mode,
                    recording_id=standing.recording_id,
                    since=standing.since,
                )
                for standing in call.desk.standings()
            ),
        )


def _party(party: Party) -> LiveParty:
    return LiveParty(number=party.number, label=party.label, user=party.subscriber is not None)
