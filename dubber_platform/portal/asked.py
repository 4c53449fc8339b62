"""The address of the list of recordings: every search and filter stands in it, so that it can be kept and shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aiohttp import web

from dubber_platform.store.browse import ALL, Filter, Kind
from webkit.visit import Visit

TEXT_MAX: Final = 200
ID_MAX: Final = 128
YEARS: Final = range(1970, 2200)
"""Dates outside are mistakes of typing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one address of the list asks for, before the store looks at it."""

    q: str = ""
    kind: Kind = Kind.ALL
    scope: str = ALL
    dub_point: str = ""
    user: str = ""
    tag: str = ""
    first: date | None = None
    """First day that is wanted, in the site's time zone."""
    last: date | None = None
    """Last day that is wanted."""
    after: str = ""
    before: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    """A sentence by parameter for what cannot be used; the list is shown without it."""

    @classmethod
    def of(cls, visit: Visit) -> Asked:
        """Read the query; HTTPBadRequest for a kind there is not."""
        problems: dict[str, str] = {}
        kind = visit.query("kind", limit=ID_MAX) or Kind.ALL.value
        if kind not in set(Kind):
            raise web.HTTPBadRequest
        first, last = _date(visit, "from", problems), _date(visit, "until", problems)
        if first is not None and last is not None and first > last:
            problems["until"] = visit.t("The last day lies before the first one.")
            last = None
        return cls(
            q=_line(visit.query("q", limit=TEXT_MAX)),
            kind=Kind(kind),
            scope=_line(visit.query("scope", limit=ID_MAX)) or ALL,
            dub_point=_line(visit.query("dub_point", limit=ID_MAX)),
            user=_line(visit.query("user", limit=ID_MAX)),
            tag=_line(visit.query("tag", limit=ID_MAX)),
            first=first,
            last=last,
            after=visit.query("after", limit=ID_MAX),
            before=visit.query("before", limit=ID_MAX),
            problems=problems,
        )

    def filter(self, visit: Visit) -> Filter:
        """The same for the store."""
        zone = visit.site.config.zone

        def midnight(day: date) -> datetime:
            return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)

        return Filter(
            text=self.q,
            kind=self.kind,
            scope=self.scope,
            dub_point_id=self.dub_point or None,
            user_id=self.user or None,
            tag=self.tag or None,
            start=None if self.first is None else midnight(self.first),
            end=None if self.last is None else midnight(self.last + timedelta(days=1)),
            after=self.after or None,
            before=self.before or None,
        )

    def query(self, **changes: str) -> dict[str, str]:
        """The parameters of a link to the list with some of them changed (empty: without); never a page of it."""
        own = {
            "q": self.q,
            "kind": "" if self.kind is Kind.ALL else self.kind.value,
            "scope": "" if self.scope == ALL else self.scope,
            "dub_point": self.dub_point,
            "user": self.user,
            "tag": self.tag,
            "from": self.first.isoformat() if self.first else "",
            "until": self.last.isoformat() if self.last else "",
        }
        return {name: value for name, value in (own | changes).items() if value}

    def path(self, visit: Visit, **changes: str) -> str:
        """The address of the list with some parameters changed."""
        return visit.url("/recordings", **self.query(**changes))

    @property
    def narrowed(self) -> bool:
        """Anything but the whole list is asked for."""
        return bool(self.query())


def _date(visit: Visit, name: str, problems: dict[str, str]) -> date | None:
    text = visit.query(name, limit=20).strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        problems[name] = visit.t("This is not a date: %(given)s. Write it as 2026-12-31.", given=text)
        return None
    return found


def _line(text: str) -> str:
    """Without control characters and spaces around it."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
