"""The users of the carrier."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog.credentials import Credentials, make_credentials
from catalog.engine import Database
from catalog.errors import UnknownSubscriberError
from catalog.tables import subscribers as table

TOPIC = "subscribers"
"""Its version goes up with every change below."""

_NUMBER = re.compile(r"[0-9a-z+\-_.]{1,32}")


def is_number(text: str) -> bool:
    """True for what a subscriber may be dialled by: 1 to 32 of ``0-9 a-z + - _ .``."""
    return _NUMBER.fullmatch(text) is not None


class Subscribers:
    """Reads and writes subscribers; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, number: str) -> Subscriber | None:
        """One, by number."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.number == number)).one_or_none()
        return None if row is None else _subscriber(row)

    def list(self, *, after: str = "", limit: int = 1_000_000) -> tuple[Subscriber, ...]:
        """All, in order of number, from the one after ``after``."""
        query = select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        with self._database.read() as connection:
            return tuple(_subscriber(row) for row in connection.execute(query))

    def search(self, text: str, *, limit: int = 100) -> tuple[Subscriber, ...]:
        """Those whose number or name contains the text, in any case."""
        found = or_(table.c.number.icontains(text, autoescape=True), table.c.name.icontains(text, autoescape=True))
        query = select(table).where(found).order_by(table.c.number).limit(limit)
        with self._database.read() as connection:
            return tuple(_subscriber(row) for row in connection.execute(query))

    def upsert(self, subscriber: Subscriber, *, now: datetime) -> None:
        """Add, or replace all but the password; ValueError for a number that cannot be one."""
        self.upsert_all([(subscriber, None)], now=now)

    def upsert_all(self, users: Iterable[tuple[Subscriber, Credentials | None]], *, now: datetime) -> None:
        """Add or replace many, all or none of them; None leaves a password as it is."""
        with self._database.write(TOPIC) as connection:
            for subscriber, credentials in users:
                _put(connection, subscriber, credentials, now)

    def set_password(self, number: str, password: str, *, realm: str, now: datetime) -> None:
        """Replace the password; UnknownSubscriberError."""
        values = _credential_columns(make_credentials(number, realm, password))
        with self._database.write(TOPIC) as connection:
            done = connection.execute(table.update().where(table.c.number == number).values(**values, updated_at=now))
            if done.rowcount == 0:
                raise UnknownSubscriberError(f"no subscriber has the number {number}")

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


def _put(connection: Connection, subscriber: Subscriber, credentials: Credentials | None, now: datetime) -> None:
    if not is_number(subscriber.number):
        raise ValueError(f"{subscriber.number!r} cannot be a subscriber's number")
    values = {**_columns(subscriber), "updated_at": now}
    if credentials is not None:
        values |= _credential_columns(credentials)
    done = connection.execute(table.update().where(table.c.number == subscriber.number).values(**values))
    if done.rowcount == 0:
        connection.execute(table.insert().values(number=subscriber.number, **values))


def _columns(subscriber: Subscriber) -> dict[str, Any]:
    recording, key = subscriber.recording, subscriber.dub_point
    return {
        "name": subscriber.name,
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


def _subscriber(row: Row[Any]) -> Subscriber:
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
