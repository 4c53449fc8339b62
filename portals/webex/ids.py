"""Identifiers as the Webex API has them: ``ciscospark://us/PEOPLE/<uuid>`` in base64 without padding.

A person's UUID is made from the number (version 5), so it is the same in every installation and after every restart.
It cannot be read backwards; ``People`` finds the number to one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final
from uuid import UUID, uuid4, uuid5

from catalog import Catalog

_SPACE: Final = UUID("8b2c5a0e-6d5f-5d0a-9a55-0b8d8f6f3c11")
"""Chosen once; another one would rename everybody."""
_LONGEST: Final = 512
_PREFIX: Final = "ciscospark://us/"


def person_id(number: str) -> str:
    """Of a user."""
    return _made("PEOPLE", str(uuid5(_SPACE, f"person:{number}")))


def token_person_id(token_id: str) -> str:
    """Of a program: who ``people/me`` is for a token that is no user's."""
    return _made("PEOPLE", str(uuid5(_SPACE, f"token:{token_id}")))


def organisation_id(domain: str) -> str:
    """Of the carrier's customer; there is one."""
    return _made("ORGANIZATION", str(uuid5(_SPACE, f"organisation:{domain}")))


def location_id(domain: str) -> str:
    """Of its site; there is one."""
    return _made("LOCATION", str(uuid5(_SPACE, f"location:{domain}")))


def call_id(call: str, number: str) -> str:
    """Of one user's half of a call."""
    return _made("CALL", f"{call}:{number}")


def call_session_id(call: str) -> str:
    """Of a call: both halves have the same."""
    return _made("CALL_SESSION", call)


def announcement_id(prompt: str) -> str:
    """Of an announcement of the organisation's own."""
    return _made("ANNOUNCEMENT", prompt)


def job_id() -> str:
    """Of a job that is done; another one each time."""
    return _made("JOB_ID", str(uuid4()))


def read_call_id(text: str) -> tuple[str, str] | None:
    """Call and number; None for what is no id of a call."""
    call, colon, number = _read("CALL", text).rpartition(":")
    return (call, number) if colon and call and number else None


def _made(kind: str, name: str) -> str:
    return b64encode(f"{_PREFIX}{kind}/{name}".encode()).decode().rstrip("=")


def _read(kind: str, text: str) -> str:
    if len(text) > _LONGEST:
        return ""
    try:
        plain = b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    begin = f"{_PREFIX}{kind}/"
    return plain.removeprefix(begin) if plain.startswith(begin) else ""


class PeopleIds:
    """Finds the number to a person's id. Blocking."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._numbers: dict[str, str] = {}
        self._version = -1

    def number(self, identity: str) -> str | None:
        """None for an id that is nobody's; one of somebody who was removed may still be known."""
        known = self._numbers.get(identity)
        if known is None and _read("PEOPLE", identity):
            version = self._catalog.subscribers.version()
            if version != self._version:
                self._numbers = {person_id(one.number): one.number for one in self._catalog.subscribers.list()}
                self._version = version
                known = self._numbers.get(identity)
        return known
