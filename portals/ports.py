"""What the portals need of the running server and of the Dubber platform; the composition root hands it in.

Everything is called on the event loop. Events carry nothing secret: digits are masked as they are in the call's log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from callmodel.modes import Phase, RecordingMode, SteeringChannel
from feature_codes import FeatureCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveParty:
    """One end of a live call."""

    number: str
    label: str
    """The name that is shown; may be empty."""
    user: bool
    """A subscriber of the carrier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecording:
    """Where the recording of one user stands in a live call; users whose mode is Never have none."""

    user: str
    phase: Phase
    mode: RecordingMode
    """As it was when the call was answered."""
    recording_id: str | None
    """Of the recording that is open; None while none is."""
    since: datetime | None
    """When that recording began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that is not over yet."""

    call_id: str
    caller: LiveParty
    callee: LiveParty
    invited_at: datetime
    answered_at: datetime | None
    """None while it rings."""
    recordings: tuple[LiveRecording, ...]
    """None before the answer, then one for each recorded user, the caller's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """Something happened in a call."""

    call_id: str
    at: datetime
    kind: str
    """Dotted noun.verb, as in the call's event log; ``call.ended`` is the last one of a call."""
    data: Mapping[str, Any]


class SteerOutcome(StrEnum):
    """What became of a wish to start, stop, pause or resume."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The user's mode, or where the recording stands, does not allow it."""
    NO_CALL = "no-call"
    """The user has no answered call, or not the one that was named."""


LiveListener = Callable[[LiveEvent], None]
"""Called on the event loop; must return at once and not raise."""


class Switchboard(Protocol):
    """The live side of the server."""

    def calls(self) -> tuple[LiveCall, ...]:
        """Every live call, oldest first."""
        ...

    def steer(
        self, user: str, command: FeatureCommand, channel: SteeringChannel, *, call_id: str | None = None
    ) -> SteerOutcome:
        """Steer a user's recording in the named call, or in the user's most recent one.

        ``channel`` is ``PAGE`` or ``REST``; it stands in the event log.
        """
        ...

    def hang_up(self, call_id: str) -> bool:
        """End a call; False when there is none of that id."""
        ...

    def registered(self, number: str) -> tuple[str, ...]:
        """URIs under which a subscriber's phones are registered now."""
        ...

    def subscribe(self, listener: LiveListener) -> Callable[[], None]:
        """Tell a listener of every event from now on; what is returned ends that."""
        ...

    async def refresh(self) -> None:
        """Use what the catalog says now (users, settings, prompts) for the next call; call it after every save.

        The server looks by itself once a second; after this returns nobody has to wait for that.
        """
        ...


class GroupOutcome(StrEnum):
    """What the Dubber platform says about a Group ID."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    """The platform cannot be reached."""
    REFUSED = "refused"
    """The platform does not take our credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCheck:
    """Answer to a check of a Group ID."""

    outcome: GroupOutcome
    name: str = ""
    """The group's name when it is known."""
    problem: str = ""
    """What went wrong, for logs and for whoever looks after the server; empty when it is known."""


class Dubber(Protocol):
    """The uploader's side."""

    async def check_group(self, group_id: str) -> GroupCheck:
        """Ask the platform whether it knows a group."""
        ...

    def wake(self) -> None:
        """There is provisioning to do in the catalog."""
        ...
