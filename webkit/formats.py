"""How instants, lengths and sizes are written in a language: the filters of every template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup

from webkit.forms import state_name

KILO: Final = 1000
UNITS: Final = {"en": ("bytes", "kB", "MB", "GB", "TB"), "fr": ("octets", "ko", "Mo", "Go", "To")}


def clock(seconds: float | None) -> str:
    """``3:07`` or ``1:02:09``; a dash for None."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def decimal(value: float, locale: Locale, places: int | None = None) -> str:
    """A number with a language's separators; with so many decimal places, or as many as it has, up to three."""
    pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(value, pattern, locale=locale)


class Formats:
    """Filters for one language and time zone."""

    def __init__(self, locale: Locale, zone: tzinfo, now: Callable[[], datetime]) -> None:
        self._locale = locale
        self._zone = zone
        self._now = now

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates use."""
        return {
            "when": self.when,
            "instant": self.instant,
            "day": self.day,
            "weekday": self.weekday,
            "ago": self.ago,
            "clock": clock,
            "state_name": state_name,
            "bytes": self.size,
            "number": self.number,
        }

    def when(self, at: datetime | None) -> Markup | str:
        """Date and time to the second, with the exact instant in the markup."""
        if at is None:
            return "–"
        text = format_datetime(at.astimezone(self._zone), "medium", locale=self._locale)
        return self._time(at, text)

    def day(self, at: datetime | date | None) -> str:
        """The date alone."""
        if at is None:
            return "–"
        local = at.astimezone(self._zone).date() if isinstance(at, datetime) else at
        return format_date(local, "medium", locale=self._locale)

    def instant(self, at: datetime | None) -> Markup | str:
        """The time of day to the millisecond, for event logs."""
        if at is None:
            return "–"
        local = at.astimezone(self._zone)
        return self._time(at, f"{local:%H:%M:%S}.{local.microsecond // 1000:03}")

    def weekday(self, day: date) -> str:
        """``Mon``."""
        return format_date(day, "EEE", locale=self._locale)

    def ago(self, at: datetime | None) -> Markup | str:
        """``3 minutes ago``."""
        if at is None:
            return "–"
        apart: timedelta = at - self._now()
        return self._time(at, format_timedelta(apart, add_direction=True, locale=self._locale))

    def size(self, count: float | None) -> str:
        """Bytes, in thousands."""
        if count is None:
            return "–"
        names = UNITS[self._locale.language]
        step = 0
        while count >= KILO and step < len(names) - 1:
            count /= KILO
            step += 1
        pattern = "#,##0" if step == 0 or count >= 100 else "#,##0.0"
        return f"{format_decimal(count, pattern, locale=self._locale)} {names[step]}"

    def number(self, value: float | None, places: int | None = None) -> str:
        """With the language's separators; with so many decimal places, or as many as it has, up to three."""
        return "–" if value is None else decimal(value, self._locale, places)

    @staticmethod
    def _time(at: datetime, text: str) -> Markup:
        exact = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Markup('<time datetime="{exact}" title="{exact}">{text}</time>').format(exact=exact, text=text)
