"""The audit log: who changed what, when, from where."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from catalog.audit import MAX_LIST, AuditEntry
from portals.admin.audit_words import KINDS, action_text, differences, told_differences
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.services import Services
from webkit.routes import page
from webkit.visit import Visit

PAGE_ROWS: Final = 50
MAX_EXPORT: Final = 100_000
MAX_TEXT: Final = 128
MAX_ID: Final = 2**53
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula at the beginning of a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the address asks for; empty: everything."""

    actor: str
    action: str
    subject: str

    @property
    def query(self) -> dict[str, str]:
        """As it stands in an address."""
        return {"actor": self.actor, "action": self.action, "subject": self.subject}

    @property
    def any(self) -> bool:
        """Something is left out."""
        return bool(self.actor or self.action or self.subject)


def _filter(visit: Visit) -> Filter:
    return Filter(**{name: visit.query(name, limit=MAX_TEXT).strip() for name in ("actor", "action", "subject")})


async def show(visit: Visit) -> web.StreamResponse:
    """A page of it, newest first."""
    asked = _filter(visit)
    before = visit.number("before", 0, 0, MAX_ID) or None
    audit = services_of(visit).catalog.audit
    found = await visit.run(audit.list, before_id=before, limit=PAGE_ROWS + 1, **asked.query)
    entries = found[:PAGE_ROWS]
    rows = [
        (entry, action_text(entry.action, visit.t), told_differences(differences(entry.before, entry.after), visit.t))
        for entry in entries
    ]
    return await visit.page(
        "audit.html",
        fragment="list",
        rows=rows,
        asked=asked,
        kinds=[(key, visit.t(text)) for key, text in KINDS],
        is_first=before is None,
        older=entries[-1].id if len(found) > PAGE_ROWS else None,
    )


async def export(visit: Visit) -> web.StreamResponse:
    """The same as CSV, as far back as fits."""
    body = await visit.run(_csv, services_of(visit), _filter(visit))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


def _csv(services: Services, asked: Filter) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["at", "actor", "address", "action", "subject", "before", "after"])
    for entry in _entries(services, asked):
        at = entry.at.isoformat(timespec="milliseconds")
        cells = [at, entry.actor, entry.address, entry.action, entry.subject, _json(entry.before), _json(entry.after)]
        writer.writerow([_harmless(cell) for cell in cells])
    return text.getvalue().encode()


def _entries(services: Services, asked: Filter) -> Iterator[AuditEntry]:
    before: int | None = None
    for _ in range(MAX_EXPORT // MAX_LIST):
        found = services.catalog.audit.list(before_id=before, limit=MAX_LIST, **asked.query)
        yield from found
        if len(found) < MAX_LIST:
            return
        before = found[-1].id


def _json(values: dict[str, Any] | None) -> str:
    return "" if values is None else json.dumps(values, ensure_ascii=False)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


ROUTES: Final = (
    page("GET", "/audit", show, allow=ADMIN),
    page("GET", "/audit.csv", export, allow=ADMIN),
)
