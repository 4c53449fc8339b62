"""What is kept for a few minutes and given out once: new passwords, files with a password in them, imports to confirm.

All of it lies in memory only; a restart of the server forgets it.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from webkit.visit import Visit

KEPT_S: Final = 600.0
MAX_ENTRIES: Final = 500
MAX_DRAFTS: Final = 4
"""Files of users that wait for a confirmation; each may be 4 MiB."""
TOKEN_BYTES: Final = 24


@dataclass(slots=True, kw_only=True)
class _Ticket:
    """Files of one user's phone that may still be fetched."""

    number: str
    password: str = field(repr=False)
    kinds: set[str]
    until: float


class Once:
    """Secrets by whoever may see them, tickets by token, drafts by owner."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is monotonic seconds."""
        self._now = now
        self._secrets: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        self._drafts: OrderedDict[str, tuple[str, bytes, float]] = OrderedDict()

    def keep(self, owner: str, about: str, secret: str) -> None:
        """Keep a secret for the next page that ``owner`` opens about something."""
        self._secrets[owner, about] = (secret, self._now() + KEPT_S)
        self._trim()

    def take(self, owner: str, about: str) -> str | None:
        """The secret, for the first who asks; None afterwards, and for everybody else."""
        secret, until = self._secrets.pop((owner, about), ("", 0.0))
        return secret if self._now() < until else None

    def issue(self, number: str, password: str, kinds: Iterable[str]) -> str:
        """A token that fetches each kind of file once; earlier tokens of this number end, their password is gone."""
        for token in [token for token, ticket in self._tickets.items() if ticket.number == number]:
            del self._tickets[token]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._tickets[token] = _Ticket(number=number, password=password, kinds=set(kinds), until=self._now() + KEPT_S)
        self._trim()
        return token

    def redeem(self, token: str, kind: str) -> tuple[str, str] | None:
        """Number and password for the first who asks for this kind; None otherwise."""
        ticket = self._tickets.get(token)
        if ticket is None or kind not in ticket.kinds:
            return None
        ticket.kinds.discard(kind)
        if self._now() >= ticket.until or not ticket.kinds:
            del self._tickets[token]
        return (ticket.number, ticket.password) if self._now() < ticket.until else None

    def draft(self, owner: str, data: bytes) -> str:
        """Keep a file until its owner confirms it; one for each owner, and only the newest few."""
        name = secrets.token_urlsafe(TOKEN_BYTES)
        self._drafts.pop(owner, None)
        self._drafts[owner] = (name, data, self._now() + KEPT_S)
        while len(self._drafts) > MAX_DRAFTS:
            self._drafts.popitem(last=False)
        return name

    def take_draft(self, owner: str, name: str) -> bytes | None:
        """The file of that name, once; None when it is too old or another one."""
        known, data, until = self._drafts.get(owner, ("", b"", 0.0))
        if not known or not secrets.compare_digest(known.encode(), name.encode("utf-8", "replace")):
            return None
        del self._drafts[owner]
        return data if self._now() < until else None

    def _trim(self) -> None:
        now = self._now()
        for key in [key for key, (_, until) in self._secrets.items() if until <= now]:
            del self._secrets[key]
        for token in [token for token, ticket in self._tickets.items() if ticket.until <= now]:
            del self._tickets[token]
        while len(self._secrets) > MAX_ENTRIES:
            self._secrets.popitem(last=False)
        while len(self._tickets) > MAX_ENTRIES:
            self._tickets.popitem(last=False)


ONCE: Final = web.AppKey("once", Once)


def once_of(visit: Visit) -> Once:
    """This portal's."""
    return visit.request.app[ONCE]
