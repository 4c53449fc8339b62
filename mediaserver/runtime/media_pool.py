"""What the hub needs of the media workers, whether they are processes or, in virtual time, one engine on the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mediaserver.media.config import PromptPcm
from mediaserver.media.messages import Command, Event

Prompts = Mapping[tuple[str, str], PromptPcm]
"""Every announcement, by id and language."""


class MediaWorker(Protocol):
    """One worker."""

    def send(self, command: Command) -> None:
        """Queue a command; to a worker that died it goes nowhere."""
        ...


class MediaPool(Protocol):
    """All workers, and the RTP ports."""

    on_event: Callable[[Event], None]
    on_lost: Callable[[MediaWorker], None]

    def choose(self) -> MediaWorker | None:
        """The least loaded worker; None when all are at their limit."""
        ...

    def take_port(self, host: str) -> int | None:
        """An even port whose pair is free; None when there is none. 0 lets the network pick."""
        ...

    def give_back(self, host: str, port: int) -> None:
        """A pair is no longer used; it rests before it is given out again."""
        ...

    def replace_prompts(self, prompts: Prompts) -> None:
        """These announcements from the next play on, in every worker there is and will be."""
        ...
