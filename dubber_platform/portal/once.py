"""Secrets that are shown on one page and then forgotten: links to share, new passwords. In memory only."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiohttp import web

from webkit.visit import Visit

KEPT_S: Final = 600.0
ENTRIES_MAX: Final = 500


class Once:
    """Secrets by who may see them and what they are about."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is monotonic seconds."""
        self._now = now
        self._secrets: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def keep(self, owner: str, about: str, secret: str) -> None:
        """For the next page that ``owner`` opens about something; the oldest go when there are too many."""
        now = self._now()
        for key in [key for key, (_, until) in self._secrets.items() if until <= now]:
            del self._secrets[key]
        self._secrets[owner, about] = (secret, now + KEPT_S)
        while len(self._secrets) > ENTRIES_MAX:
            self._secrets.popitem(last=False)

    def take(self, owner: str, about: str) -> str:
        """The secret for the first who asks; empty afterwards, and for everybody else."""
        secret, until = self._secrets.pop((owner, about), ("", 0.0))
        return secret if self._now() < until else ""


ONCE: Final = web.AppKey("once", Once)


def show_once(visit: Visit, about: str, secret: str) -> None:
    """On the next page about something, to whoever asked for it."""
    visit.request.app[ONCE].keep(visit.who.user, about, secret)


def shown_once(visit: Visit, about: str) -> str:
    """The secret, if there is one to show; it is not shown again."""
    return visit.request.app[ONCE].take(visit.who.user, about)
