"""The users of the carrier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, or_, select

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog.credentials import Credentials, make_credentials
from catalog.engine import Database
from catalog.errors import UnknownSubscriberError
from catalog.folding import folded
from catalog.tables import subscribers as table

TOPIC = "subscribers"
"""Its version goes up with every change below."""

MAX_PAGE_ROWS = 1000
MAX_KEY_CHARS = 128
_NUMBERS_AT_A_TIME = 500

SERVICE_NUMBERS: Final = frozenset(f"900{n}" for n in range(1, 10))
"""What everybody may dial to try a phone; a user or a code of that text would take it away."""

_NUMBER = re.compile(r"[0-9a-z+\-_.]{1,32}")


def is_number(text: str) -> bool:
    """True for what a subscriber may be dialled by: 1 to 32 of ``0-9 a-z + - _ .``."""
    return _NUMBER.fullmatch(text) is not None


class SortBy(StrEnum):
    """Columns a list of users can be sorted by; users of the same name or mode follow in order of number."""

    NUMBER = "number"
    NAME = "name"
    MODE = "mode"


class Subscribers:
    """Reads and writes subscribers; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, number: str) -> Subscriber | None:
        """One, by number."""
        with self._database.read() as connection:
            return get_subscribers(connection, [number]).get(number)

    def list(self, *, after: str = "", limit: int = 1_000_000) -> tuple[Subscriber, ...]:
        """All, in order of number, from the one after ``after``."""
        query = select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        with self._database.read() as connection:
            return tuple(subscriber_of(row) for row in connection.execute(query))

    def search(self, text: str, *, limit: int = 100) -> tuple[Subscriber, ...]:
        """Those whose number or name contains the text, whatever its case and accents; in order of number."""
        query = select(table).where(_contains(text)).order_by(table.c.number).limit(limit)
        with self._database.read() as connection:
            return tuple(subscriber_of(row) for row in connection.execute(query))

    def page(
        self,
        text: str = "",
        sort: SortBy | str = SortBy.NUMBER,
        descending: bool = False,
        offset: int = 0,
        limit: int = 50,
        *,
        mode: RecordingMode | None = None,
    ) -> tuple[tuple[Subscriber, ...], int]:
        """One page of a list, and how many there are in all; ValueError for a column that is none.

        ``text`` is looked for in numbers and names, whatever its case and accents; ``mode``: only users of this one.
        """
        wanted = [_contains(text)] if text.strip() else []
        if mode is not None:
            wanted.append(table.c.mode == mode.value)
        query, total = page_query(SortBy(sort), descending=descending), select(func.count()).select_from(table)
        query = query.where(*wanted).offset(max(offset, 0)).limit(min(limit, MAX_PAGE_ROWS))
        with self._database.read() as connection:
            rows = tuple(subscriber_of(row) for row in connection.execute(query))
            return rows, connection.scalar(total.where(*wanted)) or 0

    def mode_counts(self) -> dict[RecordingMode, int]:
        """How many users there are of each mode."""
        query = select(table.c.mode, func.count()).group_by(table.c.mode)
        with self._database.read() as connection:
            found = {RecordingMode(mode): number for mode, number in connection.execute(query)}
        return {mode: found.get(mode, 0) for mode in RecordingMode}

    def upsert(self, subscriber: Subscriber, *, now: datetime) -> None:
        """Add, or replace all but the password; ValueError for a number that cannot be one."""
        self.upsert_all([(subscriber, None)], now=now)

    def upsert_all(self, users: Iterable[tuple[Subscriber, Credentials | None]], *, now: datetime) -> None:
        """Add or replace many, all or none of them; None leaves a password as it is."""
        with self._database.write(TOPIC) as connection:
            put_subscribers(connection, users, now)

    def set_password(self, number: str, password: str, *, realm: str, now: datetime) -> None:
        """Replace the password; UnknownSubscriberError."""
        credentials = make_credentials(number, realm, password)
        with self._database.write(TOPIC) as connection:
            put_credentials(connection, number, credentials, now)

    def credentials(self, number: str) -> Credentials | None:
        """What a registration is checked against; None for unknown numbers and users without a password."""
        query = select(table.c.realm, table.c.ha1_md5, table.c.ha1_sha256).where(table.c.number == number)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.realm is None:
            return None
        return Credentials(realm=row.realm, ha1_md5=row.ha1_md5, ha1_sha256=row.ha1_sha256)

    def all_credentials(self) -> dict[str, Credentials]:
        """Of every subscriber that has a password, by number."""
        query = select(table.c.number, table.c.realm, table.c.ha1_md5, table.c.ha1_sha256)
        with self._database.read() as connection:
            rows = connection.execute(query.where(table.c.realm.is_not(None))).all()
        return {
            row.number: Credentials(realm=row.realm, ha1_md5=row.ha1_md5, ha1_sha256=row.ha1_sha256) for row in rows
        }

    def delete(self, number: str) -> bool:
        """Remove one; False when there was none. Its recordings stay."""
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.delete().where(table.c.number == number)).rowcount > 0

    def version(self) -> int:
        """Goes up with every change to any subscriber, by any process."""
        return self._database.version(TOPIC)


def page_query(sort: SortBy, *, descending: bool) -> Any:
    """All users in an order that an index has, so that a page is read and the rest is not sorted."""
    columns = {
        SortBy.NUMBER: (table.c.number,),
        SortBy.NAME: (table.c.name_key, table.c.number),
        SortBy.MODE: (table.c.mode, table.c.number),
    }[sort]
    return select(table).order_by(*(column.desc() if descending else column for column in columns))


def get_subscribers(connection: Connection, numbers: Sequence[str]) -> dict[str, Subscriber]:
    """Those of these numbers that there are, within a transaction."""
    found: dict[str, Subscriber] = {}
    for start in range(0, len(numbers), _NUMBERS_AT_A_TIME):
        some = numbers[start : start + _NUMBERS_AT_A_TIME]
        found |= {
            row.number: subscriber_of(row) for row in connection.execute(select(table).where(table.c.number.in_(some)))
        }
    return found


def put_credentials(connection: Connection, number: str, credentials: Credentials, now: datetime) -> None:
    """Replace a password within a transaction; UnknownSubscriberError."""
    values = {**_credential_columns(credentials), "updated_at": now}
    if connection.execute(table.update().where(table.c.number == number).values(**values)).rowcount == 0:
        raise UnknownSubscriberError(f"no subscriber has the number {number}")


def put_subscribers(
    connection: Connection, users: Iterable[tuple[Subscriber, Credentials | None]], now: datetime
) -> None:
    """Add or replace many within a transaction; None leaves a password as it is. ValueError for an odd number."""
    rows: dict[str, dict[str, Any]] = {}
    for subscriber, credentials in users:
        number = subscriber.number
        if not is_number(number):
            raise ValueError(f"{number!r} cannot be a subscriber's number")
        passwords = {} if credentials is None else _credential_columns(credentials)
        rows[number] = {**rows.get(number, {}), **columns(subscriber), **passwords, "updated_at": now}
    known = get_numbers(connection, list(rows))
    # Many rows go in one statement each: ten thousand users must not keep the server's writer waiting for long.
    for with_password in (False, True):
        some = {number: row for number, row in rows.items() if ("realm" in row) is with_password}
        new = [{"number": number, **row} for number, row in some.items() if number not in known]
        old = [{"known_number": number, **row} for number, row in some.items() if number in known]
        if new:
            connection.execute(table.insert(), new)
        if old:
            connection.execute(table.update().where(table.c.number == bindparam("known_number")), old)


def get_numbers(connection: Connection, numbers: Sequence[str]) -> set[str]:
    """Those of these numbers that there are, within a transaction."""
    found: set[str] = set()
    for start in range(0, len(numbers), _NUMBERS_AT_A_TIME):
        some = numbers[start : start + _NUMBERS_AT_A_TIME]
        found |= set(connection.execute(select(table.c.number).where(table.c.number.in_(some))).scalars())
    return found


def _contains(text: str) -> ColumnElement[bool]:
    sought = folded(text.strip()[:MAX_KEY_CHARS])
    return or_(table.c.number.contains(sought, autoescape=True), table.c.name_key.contains(sought, autoescape=True))


def columns(subscriber: Subscriber) -> dict[str, Any]:
    """All that is kept of a user, less its number and password."""
    recording, key = subscriber.recording, subscriber.dub_point
    return {
        "name": subscriber.name,
        "name_key": folded(subscriber.name)[:MAX_KEY_CHARS],
        "language": subscriber.language.value,
        "mailbox": subscriber.mailbox,
        "no_answer_s": subscriber.no_answer_s,
        "mode": recording.mode.value,
        "announce_internal": recording.announce_internal,
        "announce_pstn": recording.announce_pstn,
        "notification": recording.notification.value,
        "reminder_s": recording.reminder_s,
        "record_voicemail": recording.record_voicemail,
        "external_type": key.external_type if key else None,
        "service_provider": key.service_provider if key else None,
        "external_group": key.external_group if key else None,
        "external_identifier": key.external_identifier if key else None,
    }


def _credential_columns(credentials: Credentials) -> dict[str, str]:
    return {
        "realm": credentials.realm,
        "ha1_md5": credentials.ha1_md5,
        "ha1_sha256": credentials.ha1_sha256,
    }


def subscriber_of(row: Row[Any]) -> Subscriber:
    recording = RecordingSettings(
        mode=RecordingMode(row.mode),
        announce_internal=row.announce_internal,
        announce_pstn=row.announce_pstn,
        notification=NotificationType(row.notification),
        reminder_s=row.reminder_s,
        record_voicemail=row.record_voicemail,
    )
    dub_point = None
    if row.external_identifier is not None:
        dub_point = DubPointKey(
            external_type=row.external_type,
            service_provider=row.service_provider,
            external_group=row.external_group,
            external_identifier=row.external_identifier,
        )
    return Subscriber(
        number=row.number,
        name=row.name,
        language=Language(row.language),
        mailbox=row.mailbox,
        no_answer_s=row.no_answer_s,
        recording=recording,
        dub_point=dub_point,
    )
