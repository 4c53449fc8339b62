"""The media legs of one call: opened, told what was negotiated, bridged, and over when their statistics came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.call.effects import OpenMedia
from mediaserver.call.party import Party
from mediaserver.media import messages as media
from mediaserver.sip.hops import Hop

if TYPE_CHECKING:
    from mediaserver.call.call import Call


class MediaLegs:
    """What the media worker has of each party."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._opening: set[int] = set()
        self._sockets: set[int] = set()
        """Those with ports, until their statistics came."""

    @property
    def ready(self) -> bool:
        """Every leg that was asked for is there."""
        return not self._opening

    @property
    def busy(self) -> bool:
        """Ports are still held."""
        return bool(self._sockets)

    def party_of(self, leg_id: int) -> Party | None:
        """Whose leg it is."""
        return next((party for party in self._call.parties() if party.media_leg == leg_id), None)

    # --- to the worker ------------------------------------------------------------------------

    def open(self, party: Party, hop: Hop) -> None:
        """Bind ports for a party that is reached by ``hop``."""
        bind, advertised = self._call.context.around.media_address(hop)
        party.media_leg = self._call.context.around.next_number()
        party.sdp.address = advertised
        self._opening.add(party.media_leg)
        self._sockets.add(party.media_leg)
        self._call.emit(OpenMedia(leg_id=party.media_leg, host=bind))

    def open_source(self, kind: media.SourceKind, audio: tuple[media.Audio, ...] = ()) -> None:
        """The callee is no phone but a source of sound."""
        callee = self._call.b
        callee.media_leg = self._call.context.around.next_number()
        callee.is_source = True
        self._opening.add(callee.media_leg)
        self._call.to_worker(
            media.OpenSource(call_id=self._call.call_id, leg_id=callee.media_leg, kind=kind, audio=audio)
        )

    def set_media(self, party: Party) -> None:
        """Tell the worker what was negotiated for a leg, once there is something to tell."""
        command = None if party.is_source else party.media_command()
        if command is not None:
            self._call.to_worker(command)

    def bridge(self) -> None:
        """Let the parties hear each other."""
        a, b = self._call.parties()
        self._call.to_worker(media.Bridge(call_id=self._call.call_id, leg_a=a.media_leg, leg_b=b.media_leg))

    # --- from the worker ----------------------------------------------------------------------

    def opened(self, event: media.LegOpened) -> None:
        """A leg is there; one with ports says which."""
        party = self.party_of(event.leg_id)
        if party is not None:
            party.sdp.port = event.port
        self._opening.discard(event.leg_id)

    def closed(self, leg_id: int) -> None:
        """A leg has no ports, or has them no more."""
        self._sockets.discard(leg_id)

    def lost(self) -> None:
        """The worker died, and every port with it."""
        self._sockets.clear()

    def tell_learned(self, party: Party, event: media.AddressLearned) -> None:
        """Note that a party's audio comes from elsewhere than its description said."""
        offered = "none" if event.offered is None else f"{event.offered[0]}:{event.offered[1]}"
        learned = f"{event.learned[0]}:{event.learned[1]}"
        self._call.note("leg.address-learned", leg=party.role, offered=offered, learned=learned)

    def tell_statistics(self, event: media.LegStatistics) -> None:
        """Note what went over a leg that is closed now."""
        self.closed(event.leg_id)
        party = self.party_of(event.leg_id)
        dropped = ",".join(f"{reason}={count}" for reason, count in event.dropped)
        self._call.note(
            "leg.statistics",
            leg=party.role if party else "",
            received=str(event.packets_received),
            sent=str(event.packets_sent),
            lost=str(event.packets_lost),
            jitter_ms=f"{event.jitter_ms:.2f}",
            dropped=dropped,
        )
