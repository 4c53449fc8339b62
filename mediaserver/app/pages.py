"""Everything that people and programs reach over the carrier's HTTP port, put together."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from callmodel.errors import StartError
from portals import api, prefixes, webex
from portals.admin.pages import ALL
from portals.admin.pages.landing import landing
from portals.admin.pages.reference import reference
from portals.admin.site import make_application, make_site
from portals.services import Services
from webkit.assets import AssetsMissing


def mount_pages(http: web.Application, services: Services) -> None:
    """Add the portals and their APIs to the application that has health and metrics."""
    try:
        site = make_site(services)
    except AssetsMissing as error:
        raise StartError(f"{error}, or leave the pages out: --without portals") from error
    http.router.add_get("/", landing(site, services))
    http.router.add_get(f"{prefixes.API}/", reference(site))
    for prefix in (prefixes.ADMIN, prefixes.API):
        http.router.add_get(prefix, _with_slash(prefix))
    http.add_subapp(prefixes.ADMIN, make_application(site, services, ALL))
    http.add_subapp(prefixes.API, api.application(services))
    http.add_subapp(prefixes.WEBEX, webex.application(services))


def _with_slash(prefix: str) -> Handler:
    async def onward(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": f"{prefix}/"})

    return onward
