"""The torture messages of RFC 4475 and RFC 5118, and what our parser makes of a message.

The messages are not part of this repository: they are looked for in ``MEDIASERVER_CORPORA`` and in
``../shared/corpora`` beside the checkout. Lanes over them *did not run* where they are absent.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediaserver.sip.checks import check_request, check_response
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.message import Response
from mediaserver.sip.wire import BadRequest, answerable, parse_message

_REPOSITORY = Path(__file__).resolve().parents[2]


class Fate(StrEnum):
    """What happens to a message before any call logic sees it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Fate of one message."""

    fate: Fate
    status: int | None = None
    """What a refused request is answered with."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TortureCase:
    """One message with what an element may do about it."""

    name: str
    data: bytes
    request: bool
    well_formed: bool
    prefer: tuple[int | str, ...]
    accept: tuple[int | str, ...]
    forbid: tuple[int | str, ...]

    @property
    def allowed(self) -> tuple[int | str, ...]:
        """Every answer that is right; ``none`` is silence, ``2xx`` a class."""
        return self.prefer + self.accept


def judge(data: bytes, *, datagram: bool = True) -> Outcome:
    """Parse and check one message as the SIP layer does first thing."""
    try:
        message = parse_message(data, datagram=datagram)
    except BadRequest as error:
        return Outcome(fate=Fate.REFUSED, status=error.status_hint, why=str(error))
    except SipSyntaxError as error:
        return Outcome(fate=Fate.DROPPED, why=str(error))
    if isinstance(message, Response):
        try:
            check_response(message)
        except SipSyntaxError as error:
            return Outcome(fate=Fate.DROPPED, why=str(error))
        return Outcome(fate=Fate.ACCEPTED)
    try:
        check_request(message)
    except SipSyntaxError as error:
        if answerable(message):
            return Outcome(fate=Fate.REFUSED, status=error.status_hint, why=str(error))
        return Outcome(fate=Fate.DROPPED, why=str(error))
    return Outcome(fate=Fate.ACCEPTED)


def corpus() -> Path | None:
    """Folder with the torture messages; None where there is none."""
    named = os.environ.get("MEDIASERVER_CORPORA")
    places = [Path(named)] if named else [_REPOSITORY.parent / "shared" / "corpora"]
    return next((place / "torture" for place in places if (place / "torture" / "expectations.json").is_file()), None)


def torture_cases() -> list[TortureCase]:
    """Every message of the corpus with its expectations; nothing where the corpus is absent."""
    root = corpus()
    if root is None:
        return []
    expectations = json.loads((root / "expectations.json").read_text("utf-8"))
    return [
        TortureCase(
            name=Path(entry["file"]).stem,
            data=(root / entry["file"]).read_bytes(),
            request=entry["kind"] == "request",
            well_formed=entry["well_formed"],
            prefer=tuple(entry["prefer"]),
            accept=tuple(entry.get("accept", ())),
            forbid=tuple(entry.get("forbid", ())),
        )
        for rfc in ("rfc4475", "rfc5118")
        for entry in expectations[rfc]
    ]
