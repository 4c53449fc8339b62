"""Query parameters of lists: every one is known and bounded, or the request is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from dubber_platform.api.dates import parse_date
from dubber_platform.api.errors import bad_parameter
from dubber_platform.store.wanted import COUNT_DEFAULT, Page, RecordingFilter

COUNT_MAX = 100
PAGE_MAX = 10000
ID_MAX = 10**18 - 1
TEXT_MAX = 200


def parameters(request: web.Request, *known: str) -> dict[str, str]:
    """The query as a mapping; ApiError for one that is unknown, empty, too long or given twice."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            raise bad_parameter(name[:64], "unknown")
        if name in found:
            raise bad_parameter(name, "given twice")
        if not value or len(value) > TEXT_MAX or not value.isprintable():
            raise bad_parameter(name, f"must be 1 to {TEXT_MAX} printable characters")
        found[name] = value
    return found


def page_of(given: Mapping[str, str]) -> Page:
    """``count``, and ``page`` or one of ``after_id`` and ``before_id``."""
    if "page" in given and ("after_id" in given or "before_id" in given):
        raise bad_parameter("page", "cannot be used together with after_id or before_id")
    if "after_id" in given and "before_id" in given:
        raise bad_parameter("before_id", "cannot be used together with after_id")
    return Page(
        count=_whole(given, "count", 1, COUNT_MAX) or COUNT_DEFAULT,
        page=_whole(given, "page", 1, PAGE_MAX) or 1,
        after_id=_whole(given, "after_id", 0, ID_MAX),
        before_id=_whole(given, "before_id", 0, ID_MAX),
    )


def recording_filter_of(given: Mapping[str, str]) -> RecordingFilter:
    """What the list is narrowed to; the day ``on`` excludes ``from`` and ``to``."""
    since, until = _instant(given, "from"), _instant(given, "to")
    if "on" in given:
        if since is not None or until is not None:
            raise bad_parameter("on", "cannot be used together with from or to")
        since, until = _day(given["on"])
    status = _one_of(given, "status", ("Active", "Uploading", "Do Not Record"))
    return RecordingFilter(
        query=given.get("query"),
        number=given.get("number"),
        tag=given.get("tag"),
        status=status,
        recording_type=_one_of(given, "recording_type", ("recording", "voicemail")),
        dub_point_id=given.get("dub_point_id"),
        user_id=given.get("user"),
        starred=_flag(given, "starred"),
        tagged=_flag(given, "tagged"),
        since=since,
        until=until,
    )


RECORDING_PARAMETERS = (
    *(
        "query",
        "number",
        "tag",
        "status",
        "recording_type",
        "dub_point_id",
        "user",
        "starred",
        "tagged",
        "on",
        "from",
        "to",
    ),
    *("count", "page", "after_id", "before_id"),
)


def _whole(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and least <= int(text) <= most):
        raise bad_parameter(name, f"must be a whole number from {least} to {most}")
    return int(text)


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    text = given.get(name)
    if text is not None and text not in allowed:
        raise bad_parameter(name, f"must be one of {', '.join(allowed)}")
    return text


def _flag(given: Mapping[str, str], name: str) -> bool | None:
    text = _one_of(given, name, ("true", "false"))
    return None if text is None else text == "true"


def _instant(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return parse_date(given[name])
    except ValueError as error:
        raise bad_parameter(name, str(error)) from error


def _day(text: str) -> tuple[datetime, datetime]:
    try:
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return start, start + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise bad_parameter("on", "must be a day as YYYY-MM-DD") from error
