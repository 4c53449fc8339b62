"""Reading refusals: Dubber's JSON, OAuth's JSON, the object store's XML, and Retry-After."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from callmodel.errors import Blame, MediaServerError
from dubber_uploader.planner import Outcome

MAX_WORDS = 300
_STORE_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")


class AttemptError(MediaServerError):
    """An attempt that came to something else than success."""

    blame = Blame.PEER
    reason = "upload"

    def __init__(self, outcome: Outcome, *, status: int | None = None) -> None:
        super().__init__(f"{outcome.meaning}: {outcome.detail}")
        self.outcome = outcome
        self.status = status
        """Of the HTTP answer, when there was one."""


def detail_of(raw: bytes, content_type: str) -> tuple[int | str | None, str]:
    """The refusal's code and a bounded, printable sentence."""
    if content_type.endswith("json"):
        code, words = _json_detail(raw)
    else:
        found = _STORE_CODE.search(raw[:65_536])
        code = found[1].decode() if found else None
        words = str(code or "")
    return code, "".join(c if c.isprintable() else " " for c in words)[:MAX_WORDS].strip()


def _json_detail(raw: bytes) -> tuple[int | str | None, str]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(found, dict):
        return None, ""
    code, message = found.get("code"), found.get("message")
    if isinstance(found.get("error"), str):
        return found["error"], f"{found['error']} {found.get('error_description', '')}"
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 6:
        code = int(code)
    words = f"{code if isinstance(code, int) else ''} {message if isinstance(message, str) else ''}"
    details = found.get("details")
    if isinstance(details, list):
        words += "".join(f" {d}" for item in details if isinstance(item, dict) for d in _sentences(item))
    return code if isinstance(code, int) else None, words


def _sentences(item: dict[str, object]) -> list[object]:
    inner = item.get("details")
    return inner if isinstance(inner, list) else []


def retry_after_of(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a ``Retry-After`` (RFC 9110 10.2.3): a number, or a date."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
