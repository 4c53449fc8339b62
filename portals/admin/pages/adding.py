"""New users: one by a form, many by a file that is looked at before it is applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from callmodel.modes import Language
from callmodel.subscriber import Subscriber
from catalog.enabling import MAX_NAME_CHARS, MAX_NO_ANSWER_S, Edit, described, is_enabled
from catalog.errors import EnablingError, GroupIdMissing, TermsNotAccepted, UsersFileError
from catalog.subscribers import SERVICE_NUMBERS, is_number
from catalog.users_file import COLUMNS, MAX_FILE_BYTES, MAX_ROWS, FileFormat, UserRow, edit_of, parse_users
from portals.admin.acting import actor_of
from portals.admin.audit_words import Difference, differences
from portals.admin.file_words import told
from portals.admin.once import once_of
from portals.admin.pages.softphone import keep_password
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.saving import edit_users, reset_sip_password
from portals.services import Services
from webkit.forms import MAX_FORM_BYTES, Form
from webkit.routes import page
from webkit.visit import Visit

MAX_SHOWN: Final = 200
"""Rows of a file that the page shows; the rest is counted."""
SPREADSHEETS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How XLSX and ODS begin, and older XLS."""
TEMPLATE: Final = (
    ",".join(COLUMNS)
    + "\n2001,,Alice Martin,fr,Never,false,false,None,,false,true\n"
    + "2002,,Bob Smith,en,Always with Pause/Resume,true,true,Beep,15,false,false\n"
)


async def show_add(visit: Visit) -> web.StreamResponse:
    """The form."""
    return await visit.page("user_add.html", form=None, longest_s=MAX_NO_ANSWER_S)


async def add(visit: Visit) -> web.StreamResponse:
    """Add one, with a password for its phones that is shown once."""
    services, form = services_of(visit), visit.form()
    user = _read(visit, form)
    if form.ok and await visit.run(services.catalog.subscribers.get, user.number) is not None:
        form.refuse("number", visit.t("There is a user with the number %(number)s already.", number=user.number))
    if not form.ok:
        return await visit.page("user_add.html", status=422, form=form, longest_s=MAX_NO_ANSWER_S)
    await edit_users(services, [Edit(number=user.number, apply=lambda _: user)], actor=actor_of(visit))
    password = await reset_sip_password(services, user.number, actor=actor_of(visit))
    keep_password(visit, user.number, password)
    visit.notice("success", visit.t("User %(number)s was added. Next: set up the phone, then call recording.",
                                    number=user.number))  # fmt: skip
    return visit.redirect(f"/users/{user.number}/softphone")


def _read(visit: Visit, form: Form) -> Subscriber:
    number = form.text("number", limit=32, required=True).lower()
    if number and not is_number(number):
        form.refuse("number", visit.t("Use 1 to 32 of the characters 0–9, a–z, + - _ and the full stop."))
    elif number in SERVICE_NUMBERS:
        form.refuse("number", visit.t("9001 to 9009 are service numbers; choose another."))
    no_answer_s = form.whole("no_answer_s", 1, MAX_NO_ANSWER_S, default=20)
    return Subscriber(
        number=number,
        name=form.text("name", limit=MAX_NAME_CHARS),
        language=form.member("language", Language, default=Language.EN),
        mailbox=form.flag("mailbox"),
        no_answer_s=no_answer_s or 20,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """What a row of a file will do."""

    row: int
    number: str
    name: str
    added: bool
    phone_password: bool
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """The row changes nothing."""
        return not self.added and not self.phone_password and not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A whole file, looked at."""

    added: int
    changed: int
    same: int
    rows: tuple[PreviewRow, ...]
    """Those that do something, at most ``MAX_SHOWN``."""
    refused: EnablingError | None
    """Why the file as a whole would not be taken."""

    @property
    def total(self) -> int:
        """Rows that do something."""
        return self.added + self.changed


def format_of(data: bytes) -> FileFormat:
    """A list in YAML begins with a dash, a bracket or a comment; no CSV header does."""
    head = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return FileFormat.YAML if head in {b"-", b"[", b"#", b"%"} else FileFormat.CSV


def preview(services: Services, data: bytes) -> Preview:
    """Try a file without changing anything; UsersFileError."""
    users = parse_users(data, format_of(data))
    known = {subscriber.number: subscriber for subscriber in services.catalog.subscribers.list()}
    rows = [_preview_row(user, known.get(user.number), services.domain) for user in users]
    doing = [row for row in rows if not row.same]
    return Preview(
        added=sum(row.added for row in rows),
        changed=sum(not row.added for row in doing),
        same=len(rows) - len(doing),
        rows=tuple(doing[:MAX_SHOWN]),
        refused=_refusal(services, users, known),
    )


def _preview_row(user: UserRow, old: Subscriber | None, realm: str) -> PreviewRow:
    new = edit_of(user, realm).apply(old or Subscriber(number=user.number))
    return PreviewRow(
        row=user.row,
        number=user.number,
        name=new.name,
        added=old is None,
        phone_password="password" in user.values,
        differences=differences(described(old or Subscriber(number=user.number)), described(new)),
    )


def _refusal(services: Services, users: tuple[UserRow, ...], known: dict[str, Subscriber]) -> EnablingError | None:
    provider = services.catalog.provider.read()
    if provider.group_id is not None and provider.terms_accepted_at is not None:
        return None
    for user in users:
        old = known.get(user.number) or Subscriber(number=user.number)
        if not is_enabled(old) and is_enabled(edit_of(user, services.domain).apply(old)):
            return GroupIdMissing() if provider.group_id is None else TermsNotAccepted()
    return None


async def show_import(visit: Visit) -> web.StreamResponse:
    """Where a file is sent from."""
    return await _import_page(visit)


async def _import_page(visit: Visit, *, form: Form | None = None, **shown: Any) -> web.StreamResponse:
    defaults: dict[str, Any] = {"seen": None, "draft": "", "place": None}
    return await visit.page(
        "user_import.html",
        status=422 if form is not None and not form.ok else 200,
        form=form,
        columns=COLUMNS,
        limit_bytes=MAX_FILE_BYTES,
        most=MAX_ROWS,
        **(defaults | shown),
    )


async def try_import(visit: Visit) -> web.StreamResponse:
    """Look at a file, and say what it would do."""
    services, form = services_of(visit), visit.form()
    data = form.file("file", limit=MAX_FILE_BYTES)
    if data.startswith(SPREADSHEETS):
        form.refuse("file", visit.t("This is a spreadsheet. Save it there as CSV in UTF-8 and send that."))
    if not form.ok:
        return await _import_page(visit, form=form)
    try:
        seen = await visit.run(preview, services, data)
    except UsersFileError as error:
        form.refuse("file", told(error, visit.t))
        return await _import_page(visit, form=form, place=(error.row, error.column))
    draft = once_of(visit).draft(visit.who.user, data) if seen.total and seen.refused is None else ""
    return await _import_page(visit, seen=seen, draft=draft, refusal=_words(visit, seen.refused))


def _words(visit: Visit, refused: EnablingError | None) -> str:
    if isinstance(refused, GroupIdMissing):
        return visit.t(
            "The file switches call recording on for somebody, but the Group ID that Dubber issued is not set yet. "
            "The service provider sets it under My account → Profile."
        )
    if refused is not None:
        return visit.t(
            "The file switches call recording on for somebody, but Dubber’s terms of service are not accepted yet."
        )
    return ""


async def apply_import(visit: Visit) -> web.StreamResponse:
    """Do what the page before has shown."""
    services = services_of(visit)
    data = once_of(visit).take_draft(visit.who.user, visit.form().sent("draft"))
    if data is None:
        visit.notice("warning", visit.t("That file was looked at too long ago. Send it once more."))
        return visit.redirect("/users/import")
    users = await visit.run(parse_users, data, format_of(data))
    edits = await visit.run(lambda: [edit_of(user, services.domain) for user in users])
    try:
        done = await edit_users(services, edits, actor=actor_of(visit))
    except EnablingError as error:
        visit.notice("error", _words(visit, error))
        return visit.redirect("/users/import")
    visit.notice(
        "success",
        visit.t("The file is imported: %(added)s added, %(present)s were there already.",
                added=len(done.added), present=len(done.changed)),
    )  # fmt: skip
    return visit.redirect("/users")


async def template(_visit: Visit) -> web.StreamResponse:
    """A file to begin with."""
    return web.Response(
        text=TEMPLATE, content_type="text/csv", headers={"Content-Disposition": 'attachment; filename="users.csv"'}
    )


ROUTES: Final = (
    page("GET", "/users/add", show_add, allow=ADMIN),
    page("POST", "/users/add", add, allow=ADMIN),
    page("GET", "/users/import", show_import, allow=ADMIN),
    page("POST", "/users/import", try_import, allow=ADMIN, max_bytes=MAX_FILE_BYTES + MAX_FORM_BYTES),
    page("POST", "/users/import/apply", apply_import, allow=ADMIN),
    page("GET", "/users/import/template.csv", template, allow=ADMIN),
)
