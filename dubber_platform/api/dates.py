"""Dates on the wire: RFC 2822 unless the caller asks for ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime


def rfc2822(instant: datetime) -> str:
    """``Thu, 26 Mar 2026 16:51:46 +0000``."""
    return format_datetime(instant.astimezone(UTC))


def iso8601(instant: datetime) -> str:
    """``2026-03-26T16:51:46Z``; parts of a second only when there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_date(text: str) -> datetime:
    """An RFC 2822 or ISO 8601 instant; ValueError when it is neither or has no offset."""
    if len(text) > 64:
        raise ValueError("must be an RFC 2822 or ISO 8601 date")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        try:
            instant = parsedate_to_datetime(text)
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            raise ValueError("must be an RFC 2822 or ISO 8601 date") from error
    if instant.tzinfo is None:
        raise ValueError("must have a UTC offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be within the years 1 to 9999") from error
