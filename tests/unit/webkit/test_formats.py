"""Instants, lengths and sizes as a reader of each language expects them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale

from webkit.formats import Formats, clock

AT = datetime(2026, 1, 31, 23, 30, 5, 250_000, tzinfo=UTC)


def formats(language: str) -> Formats:
    return Formats(Locale.parse(language), ZoneInfo("Europe/Paris"), lambda: AT + timedelta(minutes=3))


def test_instants_are_local_and_exact() -> None:
    shown = str(formats("fr").when(AT))
    assert 'datetime="2026-01-31T23:30:05.250Z"' in shown
    assert "1 févr. 2026" in shown
    assert "00:30:05" in shown
    assert formats("fr").day(AT) == "1 févr. 2026"
    assert formats("en").day(AT.date()) == "Jan 31, 2026"
    assert formats("en").when(None) == "–"


def test_event_logs_tell_the_millisecond_and_figures_the_day() -> None:
    shown = str(formats("en").instant(AT.replace(microsecond=7_900)))
    assert ">00:30:05.007</time>" in shown
    assert formats("en").instant(None) == "–"
    assert (formats("en").weekday(AT.date()), formats("fr").weekday(AT.date())) == ("Sat", "sam.")


def test_how_long_ago() -> None:
    assert "il y a 3 minutes" in str(formats("fr").ago(AT))
    assert "3 minutes ago" in str(formats("en").ago(AT))


def test_lengths() -> None:
    assert [clock(s) for s in (None, 0, 7.4, 187, 3729)] == ["–", "0:00", "0:07", "3:07", "1:02:09"]


def test_sizes() -> None:
    assert [formats("en").size(n) for n in (0, 999, 1500, 2_345_678, 150_000_000)] == [
        "0 bytes", "999 bytes", "1.5 kB", "2.3 MB", "150 MB",
    ]  # fmt: skip
    assert formats("fr").size(1500) == "1,5 ko"
    assert formats("en").number(1234567) == "1,234,567"
