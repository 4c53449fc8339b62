"""Setting up a user's phone: the figures, files, a QR code, and a new password that is shown once."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final

from aiohttp import web

from callmodel.subscriber import Subscriber
from portals.admin.acting import actor_of
from portals.admin.once import once_of
from portals.admin.pages.users import window
from portals.admin.roles import ADMIN, EVERYONE
from portals.admin.site import services_of
from portals.admin.softphones import FILES, QR_KIND, account_for, qr_svg
from portals.saving import reset_sip_password
from portals.services import Reachable
from webkit.routes import PUBLIC, page
from webkit.visit import Visit

CA_FILE_NAME: Final = "mediaserver-ca.pem"


def keep_password(visit: Visit, number: str, password: str) -> None:
    """Let the page of this user's phone show a password, once, to whoever made it."""
    once_of(visit).keep(visit.who.user, f"phone {number}", password)


def phone_context(visit: Visit, subscriber: Subscriber) -> dict[str, Any]:
    """What ``phone.html`` shows; takes the password, if there is a new one."""
    services, once = services_of(visit), once_of(visit)
    reachable = services.reachable()
    password = once.take(visit.who.user, f"phone {subscriber.number}")
    ticket = once.issue(subscriber.number, password, [*FILES, QR_KIND]) if password else ""
    address = _own_address(visit) + visit.url(f"/phone/{ticket}/{QR_KIND}") if ticket else ""
    return {
        "user": subscriber,
        "account": account_for(subscriber.number, subscriber.name, services.domain, reachable),
        "sip": reachable.sip,
        "contacts": services.switchboard.registered(subscriber.number),
        "files": tuple(FILES.values()),
        "password": password,
        "ticket": ticket,
        "qr": qr_svg(address) if address else "",
        "here_only": _is_here_only(reachable),
    }


def _own_address(visit: Visit) -> str:
    """Scheme and host as the browser knows this server; phones in the same network know it so, too."""
    return f"{visit.request.scheme}://{visit.request.host}"


def _is_here_only(reachable: Reachable) -> bool:
    """The server can be reached from its own machine only."""
    address = next(iter(reachable.sip.values()), "")
    try:
        return ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


async def subscriber_of(visit: Visit, number: str) -> Subscriber:
    """The user; 404 when there is none."""
    found = await visit.run(services_of(visit).catalog.subscribers.get, number)
    if found is None:
        raise web.HTTPNotFound
    return found


async def show(visit: Visit) -> web.StreamResponse:
    """The tab of the *Edit user* window."""
    return await phone_page(visit, await subscriber_of(visit, visit.match("number")), "softphone.html")


async def phone_page(visit: Visit, subscriber: Subscriber, template: str) -> web.StreamResponse:
    """The whole page; or, when it asks for its registered phones again, these alone."""
    if visit.in_place:
        # a new password is kept for the page
        contacts = services_of(visit).switchboard.registered(subscriber.number)
        return await visit.page(template, fragment="contacts", contacts=contacts)
    return await visit.page(template, **phone_context(visit, subscriber), **window(visit, subscriber))


async def reset(visit: Visit) -> web.StreamResponse:
    """A new password for the user's phones."""
    subscriber = await subscriber_of(visit, visit.match("number"))
    await reset_phone(visit, subscriber)
    return visit.redirect(f"/users/{subscriber.number}/softphone")


async def reset_phone(visit: Visit, subscriber: Subscriber) -> None:
    """Make a password, keep it for the next page, say what it means."""
    password = await reset_sip_password(services_of(visit), subscriber.number, actor=actor_of(visit))
    keep_password(visit, subscriber.number, password)
    visit.notice(
        "success",
        visit.t("User %(number)s has a new SIP password. Phones with the old one can register no more.",
                number=subscriber.number),
    )  # fmt: skip


async def plain_file(visit: Visit) -> web.StreamResponse:
    """A settings file without a password, which the phone will ask for."""
    return plain_file_of(visit, await subscriber_of(visit, visit.match("number")), visit.match("kind"))


def plain_file_of(visit: Visit, subscriber: Subscriber, kind: str) -> web.StreamResponse:
    """The same for a user who was found already."""
    if kind not in FILES:
        raise web.HTTPNotFound
    return _file(visit, subscriber, kind)


def _file(visit: Visit, subscriber: Subscriber, kind: str, password: str = "") -> web.StreamResponse:
    file = FILES.get("linphone" if kind == QR_KIND else kind)
    if file is None:
        raise web.HTTPNotFound
    services = services_of(visit)
    account = account_for(subscriber.number, subscriber.name, services.domain, services.reachable(), password)
    disposition = "inline" if kind == QR_KIND else "attachment"
    return web.Response(
        text=file.write(account),
        content_type=file.content_type,
        charset="utf-8",
        headers={"Content-Disposition": f'{disposition}; filename="{file.file_name}"'},
    )


async def ticket_file(visit: Visit) -> web.StreamResponse:
    """A file with its password: once for each kind, for whoever has the address (a phone has no session)."""
    if visit.request.method == "HEAD":
        raise web.HTTPMethodNotAllowed("HEAD", ["GET"])
    kind = visit.match("kind")
    found = once_of(visit).redeem(visit.match("ticket"), kind)
    if found is None:
        raise web.HTTPNotFound
    number, password = found
    return _file(visit, await subscriber_of(visit, number), kind, password)


async def authority(visit: Visit) -> web.StreamResponse:
    """The certificate that phones are to trust for TLS."""
    path = services_of(visit).reachable().ca_file
    try:
        text = await visit.run(path.read_text, "ascii")
    except OSError as error:
        raise web.HTTPNotFound from error
    headers = {"Content-Disposition": f'attachment; filename="{CA_FILE_NAME}"'}
    return web.Response(text=text, content_type="application/x-pem-file", headers=headers)


ROUTES: Final = (
    page("GET", "/users/{number}/softphone", show, allow=ADMIN),
    page("POST", "/users/{number}/softphone/reset", reset, allow=ADMIN),
    page("GET", "/users/{number}/softphone/files/{kind}", plain_file, allow=ADMIN),
    page("GET", "/phone/{ticket}/{kind}", ticket_file, allow=PUBLIC),
    page("GET", "/phones/ca.pem", authority, allow=EVERYONE),
)
