"""``docs/http-api.md``: the table of routes of both APIs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from portals.rest.openapi import Api
from portals.rest.route import Route
from portals.rest.scopes import MEANINGS

HEAD = """\
# HTTP APIs

This page is drawn by `make docs` from the tables that the routes are served from; a test checks that it is fresh. Do
not edit it. A running server tells the same with every field: `/api/v1/openapi.json` for programs (OpenAPI 3.1),
`/api/v1/` for people.

Every request carries `Authorization: Bearer <token>`; `mediaserver info` tells the first token, `POST /api/v1/tokens`
makes others. A token that is bound to one user sees that user only.

Errors of `/v1` are Webex's JSON (`message`, `errors` with a `description` each, `trackingId`), those of `/api/v1` are
problem documents (RFC 9457) with `errors` of `field` and `message`. Every answer has a `TrackingID` header. Long lists
come in pages; the next one is in a `Link` header (`rel="next"`).
"""

CHOICES = """\
## Choices made in `/v1`

The platform's documentation leaves these open, or this product has no such thing:

- Ids are base64 of `ciscospark://us/<KIND>/<uuid>`; a person's UUID is a version 5 made from the number.
- `enabled: false` and `record: "Never"` mean the same. Enabling somebody needs `record`, unless it was set before.
- Who sends both forms of the start/stop announcement: the one that differs from what holds is meant, of two
  the split one.
- `serviceProvider`, `externalGroup` and `externalIdentifier` are read-only: another value is refused.
- `callRecordingAccessSettings` are obeyed by `convergedRecordings` of that user's own token: no list without
  `viewAndPlayRecordingsEnabled`, no link to the audio without `downloadRecordingsEnabled`. Dubber's portal has
  rules of its own.
- Disabling the organisation puts the Group ID aside: nobody can be enabled until it is enabled again. Terms that were
  accepted stay so. A compliance announcement cannot be switched on: there is none.
- A live call is listed once for each side that is a user, each with an id of its own. What mode or state does not allow
  is 409. A provisional recording has no `recordingState`: it was not invoked.
- A token that stands for no user sees all sides of all calls, and all recordings.
- Recordings are WAV, which the API's `format` has no word for: it is left out, and a filter for `MP3` finds none. The
  link to the audio is signed, works for three hours, and ends with the server's run.
"""


def docs_page(apis: Sequence[Api]) -> str:
    """The page."""
    parts = [HEAD, *(_api(api) for api in apis), _scopes(), CHOICES]
    return "\n".join(parts)


def _api(api: Api) -> str:
    rows = "\n".join(_row(api, route) for route in api.routes)
    return f"""\
## {api.title}: `{api.prefix}`

{api.about}

| request | does | scopes, any of | answers | refuses |
|---|---|---|---|---|
{rows}
"""


def _row(api: Api, route: Route) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in route.scopes) or "none needed"
    users = " (also of one user)" if route.users else ""
    good = _joined([route.status, *route.also])
    cells = (f"`{route.method} {api.prefix}{route.path}`", route.summary, scopes + users, good, _joined(route.refusals))
    return f"| {' | '.join(cells)} |"


def _joined(statuses: Iterable[int]) -> str:
    return " ".join(str(status) for status in statuses)


def _scopes() -> str:
    rows = "\n".join(f"| `{scope}` | {what} |" for scope, what in MEANINGS.items())
    return f"""\
## Scopes

| scope | lets |
|---|---|
{rows}
"""
