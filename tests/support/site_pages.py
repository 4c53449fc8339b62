"""Every page of both portals, with an address at which a demo server shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage:
    """One page."""

    name: str
    route: str
    """As the site's routes have it; other pages have what is no route."""
    path: str
    """With ``{facts}`` that only the running server knows."""
    who: str
    """Who looks: ``provider``, ``administrator``, ``Dubber``, a user's number; ``nobody`` is not signed in."""
    main: bool = False
    """Pictured dark and on a phone, too."""
    status: int = 200
    waits_for: str = ""
    """Selector of what comes after the page itself."""


def _page(name: str, path: str, *, who: str = "administrator", route: str = "", **more: bool | str | int) -> SitePage:
    return SitePage(name=name, path=path, route=route or path.partition("?")[0], who=who, **more)  # type: ignore[arg-type]  # only these


CARRIER: Final = (
    _page("landing", "/../", who="nobody", main=True),
    _page("api-reference", "/../api/v1/", who="nobody", main=True),
    _page("nowhere", "/nowhere", status=404),
    _page("sign-in", "/sign-in", who="nobody", main=True),
    _page("dashboard", "/", main=True),
    _page("users", "/users", main=True),
    _page("users-nobody-fits", "/users?q=zzz"),
    _page("users-add", "/users/add"),
    _page("users-import", "/users/import"),
    _page("user", "/users/1005", route="/users/{number}"),
    _page("user-recording", "/users/1005/recording", route="/users/{number}/recording", main=True),
    _page("user-recording-by-hand", "/users/1010/recording", route="/users/{number}/recording"),
    _page("user-softphone", "/users/1005/softphone", route="/users/{number}/softphone"),
    _page("user-activity", "/users/1003/activity", route="/users/{number}/activity"),
    _page("user-delete", "/users/1000/delete", route="/users/{number}/delete"),
    _page("calls", "/calls", main=True),
    _page("call", "/calls/{call}", route="/calls/{call_id}", main=True),
    _page("call-live", "/calls/{live_call}", route="/calls/{call_id}"),
    _page("provisioning", "/provisioning"),
    _page("codes", "/codes", main=True),
    _page("prompts", "/prompts"),
    _page("prompt", "/prompts/fr/recording-started", route="/prompts/{language}/{prompt}"),
    _page("tones", "/tones"),
    _page("failure", "/failure"),
    _page("accounts", "/accounts"),
    _page("tokens", "/tokens"),
    _page("audit", "/audit", main=True),
    _page("password", "/password"),
    _page("profile", "/profile", who="provider", main=True),
    _page("profile-install", "/profile/install", who="provider"),
    _page("profile-remove", "/profile/remove", who="provider"),
    _page("me", "/me", who="1003", main=True),
    _page("me-softphone", "/me/softphone", who="1003"),
)

NOT_PAGES: Final = frozenset(
    {
        "/recordings/{recording}/audio",
        "/recordings/{recording}/peaks",
        "/recordings/{recording}/download",
        "/shared/{token}/audio",
        "/shared/{token}/peaks",
        "/now",
        "/lights",
        "/calls/live",
        "/users/{number}/recording/progress",
        "/users.csv",
        "/users/import/template.csv",
        "/users/{number}/softphone/files/{kind}",
        "/me/softphone/files/{kind}",
        "/phone/{ticket}/{kind}",
        "/phones/ca.pem",
        "/prompts/{language}/{prompt}.wav",
        "/tones/{name}.wav",
        "/audit.csv",
    }
)
"""Parts of pages, and files."""

DUBBER: Final = (
    _page("nowhere", "/nowhere", who="Dubber", status=404),
    _page("sign-in", "/sign-in", who="nobody"),
    _page("dashboard", "/", who="Dubber", main=True),
    _page("recordings", "/recordings", who="Dubber", main=True),
    _page("recordings-found", "/recordings?q=1003&kind=recordings", who="Dubber"),
    _page("recordings-none-fit", "/recordings?kind=voicemails&tag=nowhere", who="Dubber"),
    _page("recordings-dub-points", "/recordings/dub-points", who="Dubber"),
    _page("recordings-delete", "/recordings/delete?ids={recording}", who="Dubber"),
    _page("unidentified", "/unidentified", who="Dubber"),
    _page("unidentified-move", "/unidentified/move?ids={unidentified}", who="Dubber"),
    _page(
        "recording",
        "/recordings/{recording}",
        route="/recordings/{recording}",
        who="Dubber",
        main=True,
        waits_for=".player.ready",
    ),
    _page("shared", "/shared/{share}", route="/shared/{token}", who="nobody", waits_for=".player.ready"),
    _page("shared-ended", "/shared/long-gone", route="/shared/{token}", who="nobody", status=404),
    _page("people", "/people", who="Dubber", main=True),
    _page("people-new", "/people/new", who="Dubber"),
    _page("person", "/people/{user}", route="/people/{user}", who="Dubber"),
    _page("person-dub-points", "/people/{user}/dub-points", route="/people/{user}/dub-points", who="Dubber", main=True),
    _page("person-dub-point-add", "/people/{user}/dub-points/add", route="/people/{user}/dub-points/add", who="Dubber"),
    _page(
        "person-dub-point-move",
        "/people/{user}/dub-points/{dub_point}/move",
        route="/people/{user}/dub-points/{point}/move",
        who="Dubber",
    ),
    _page("person-do-not-record", "/people/{user}/do-not-record", route="/people/{user}/do-not-record", who="Dubber"),
    _page("do-not-record", "/do-not-record", who="Dubber"),
    _page("teams", "/teams", who="Dubber"),
    _page("team", "/teams/{team}", route="/teams/{team}", who="Dubber"),
    _page("account", "/account", who="Dubber"),
    _page("me", "/me", who="Dubber"),
)
