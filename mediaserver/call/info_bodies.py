"""Bodies of SIP INFO that steer: ``application/dtmf-relay``, ``application/dtmf`` and the ``Record`` header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from callmodel.digits import DIGITS
from feature_codes import FeatureCommand

DTMF_TYPES: Final = ("application/dtmf-relay", "application/dtmf")
_MAX_BODY_BYTES: Final = 256
_DEFAULT_MS: Final = 160
_MIN_MS: Final = 40
_MAX_MS: Final = 8000
_SIGNAL: Final = re.compile(r"^\s*signal\s*=\s*([0-9*#a-d]|1[0-5])\s*$", re.IGNORECASE | re.MULTILINE)
_DURATION: Final = re.compile(r"^\s*duration\s*=\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)
_BARE: Final = re.compile(r"^\s*([0-9*#a-d]|1[0-5])\s*$", re.IGNORECASE)

RECORD_COMMANDS: Final = {
    "on": FeatureCommand.START,
    "off": FeatureCommand.STOP,
    "pause": FeatureCommand.PAUSE,
    "resume": FeatureCommand.RESUME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoDigit:
    """One key press told by INFO."""

    digit: str
    duration_ms: int


def parse_dtmf(content_type: str, body: bytes) -> InfoDigit | None:
    """The key press in an INFO body; None when there is none that can be read.

    ``Signal=5`` and ``Duration=160`` lines, or a bare key; 10 and 11 stand for ``*`` and ``#``, 12 to 15 for A to D.
    A duration outside 40 to 8000 ms is brought inside.
    """
    if content_type not in DTMF_TYPES or len(body) > _MAX_BODY_BYTES:
        return None
    text = body.decode("ascii", "replace").replace("\r", "\n")
    found = _SIGNAL.search(text) or _BARE.match(text)
    if found is None:
        return None
    key = found[1].upper()
    length = _DURATION.search(text)
    wanted_ms = int(length[1]) if length else _DEFAULT_MS
    return InfoDigit(
        digit=DIGITS[int(key)] if key.isdigit() else key, duration_ms=min(max(wanted_ms, _MIN_MS), _MAX_MS)
    )
