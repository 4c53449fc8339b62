"""Every change that people make to users and to the provider's set-up: one place for the pages, both APIs and commands.

A change, what follows from it, and its entry in the audit log are one
transaction. The rules of the platform are kept here: call recording must be
installed (a group id), and the vendor's terms accepted, before a user can be
enabled; whoever is enabled is made known to Dubber.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from callmodel.modes import RecordingMode
from callmodel.subscriber import Subscriber
from catalog.accounts import TOPIC as ACCOUNTS_TOPIC
from catalog.accounts import PortalRole
from catalog.audit import Actor, AuditChange, changed_values, write_audit
from catalog.credentials import Credentials, make_credentials
from catalog.errors import GroupIdMissing, TermsNotAccepted
from catalog.identifiers import identified
from catalog.provider import ProviderSettings, read_provider
from catalog.provisioning import TOPIC as PROVISIONING_TOPIC
from catalog.provisioning import ProvisioningStatus, request_in
from catalog.store import Catalog
from catalog.subscribers import SERVICE_NUMBERS, columns, get_subscribers, put_credentials, put_subscribers
from catalog.subscribers import TOPIC as SUBSCRIBERS_TOPIC
from catalog.tables import api_tokens, portal_accounts, provisioning, subscribers

MAX_NAME_CHARS: Final = 128
MAX_NO_ANSWER_S: Final = 600
_UNTOLD: Final = {"name_key", "external_type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change to one subscriber."""

    number: str
    apply: Callable[[Subscriber], Subscriber]
    """From what there is (a new one with all defaults when there is none) to what is to be; may raise ValueError."""
    credentials: Credentials | None = field(default=None, repr=False)
    """None leaves a password as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What came of some edits."""

    saved: tuple[Subscriber, ...]
    """As they are now, in the order of the edits."""
    added: tuple[str, ...]
    changed: tuple[str, ...]
    """Those that were there before, also when nothing of them is different now."""
    requested: tuple[str, ...]
    """To be provisioned now."""


def save_subscriber(
    catalog: Catalog,
    subscriber: Subscriber,
    *,
    domain: str,
    actor: Actor,
    now: datetime,
    credentials: Credentials | None = None,
) -> Subscriber:
    """Add or replace a user; as it is now, with Dubber's identifiers.

    GroupIdMissing and TermsNotAccepted when recording is switched on too early; ValueError names a field. A user that
    is switched on is provisioned (call ``Dubber.wake``); one that is switched off keeps recordings and dub point.
    """
    edit = Edit(number=subscriber.number, apply=lambda _: subscriber, credentials=credentials)
    return edit_subscribers(catalog, [edit], domain=domain, actor=actor, now=now).saved[0]


def edit_subscribers(catalog: Catalog, edits: Sequence[Edit], *, domain: str, actor: Actor, now: datetime) -> Edited:
    """Make many changes, all or none; errors as ``save_subscriber`` has them."""
    changes: list[AuditChange] = []
    requested: list[str] = []
    rows: list[tuple[Subscriber, Credentials | None]] = []
    saved: dict[str, Subscriber] = {}
    with catalog.database.write(SUBSCRIBERS_TOPIC, PROVISIONING_TOPIC) as connection:
        provider = read_provider(connection)
        before = get_subscribers(connection, [edit.number for edit in edits])
        for edit in edits:
            old = saved.get(edit.number) or before.get(edit.number)
            new = identified(edit.apply(old or Subscriber(number=edit.number)), provider, domain)
            _check(new, edit.number)
            if old is None and edit.number in SERVICE_NUMBERS:
                raise ValueError(f"number: {edit.number} is a service number; choose another")
            if new.recording.mode is not RecordingMode.NEVER and (old is None or not is_enabled(old)):
                _check_may_enable(provider)
                requested.append(edit.number)
            if new != old or edit.credentials is not None:
                rows.append((new, edit.credentials))
            changes += _told(old, new, has_password=edit.credentials is not None)
            saved[edit.number] = new
        put_subscribers(connection, rows, now)
        request_in(connection, requested, now)
        write_audit(connection, changes, actor=actor, now=now)
    numbers = [edit.number for edit in edits]
    return Edited(
        saved=tuple(saved[number] for number in numbers),
        added=tuple(number for number in numbers if number not in before),
        changed=tuple(number for number in numbers if number in before),
        requested=tuple(requested),
    )


def remove_subscriber(catalog: Catalog, number: str, *, actor: Actor, now: datetime) -> bool:
    """Remove a user with its portal account and tokens; False when there was none. Recordings stay."""
    with catalog.database.write(SUBSCRIBERS_TOPIC, PROVISIONING_TOPIC, ACCOUNTS_TOPIC) as connection:
        old = get_subscribers(connection, [number]).get(number)
        if old is None:
            return False
        # SQLite would do this by itself; a database whose foreign keys are off would not.
        connection.execute(provisioning.delete().where(provisioning.c.number == number))
        connection.execute(subscribers.delete().where(subscribers.c.number == number))
        own = (portal_accounts.c.number == number) & (portal_accounts.c.role == PortalRole.USER.value)
        connection.execute(portal_accounts.delete().where(own))
        connection.execute(api_tokens.delete().where(api_tokens.c.number == number))
        change = AuditChange(action="user.removed", subject=number, before=described(old))
        write_audit(connection, [change], actor=actor, now=now)
    return True


def set_sip_password(catalog: Catalog, number: str, password: str, *, realm: str, actor: Actor, now: datetime) -> None:
    """Replace the password of a user's phones; UnknownSubscriberError."""
    credentials = make_credentials(number, realm, password)
    with catalog.database.write(SUBSCRIBERS_TOPIC) as connection:
        put_credentials(connection, number, credentials, now)
        write_audit(connection, [AuditChange(action="user.phone_key_reset", subject=number)], actor=actor, now=now)


def retry_provisioning(catalog: Catalog, number: str, *, actor: Actor, now: datetime) -> bool:
    """Have a user made known to Dubber again (or looked for at once); False unless recording is on for it."""
    with catalog.database.write(PROVISIONING_TOPIC) as connection:
        found = get_subscribers(connection, [number]).get(number)
        if found is None or not is_enabled(found):
            return False
        if read_provider(connection).group_id is None:
            raise GroupIdMissing
        request_in(connection, [number], now)
        change = AuditChange(action="provisioning.requested", subject=number)
        write_audit(connection, [change], actor=actor, now=now)
    return True


def retry_all_failed(catalog: Catalog, *, actor: Actor, now: datetime) -> int:
    """Have everybody who is enabled and whom Dubber refused made known again, in one transaction; how many."""
    failed = provisioning.c.status == ProvisioningStatus.FAILED.value
    enabled = subscribers.c.mode != RecordingMode.NEVER.value
    query = select(provisioning.c.number).join(subscribers, subscribers.c.number == provisioning.c.number)
    with catalog.database.write(PROVISIONING_TOPIC) as connection:
        if read_provider(connection).group_id is None:
            raise GroupIdMissing
        numbers = connection.execute(query.where(failed, enabled)).scalars().all()
        if numbers:
            request_in(connection, numbers, now)
            change = AuditChange(action="provisioning.requested", subject="all failed", after={"users": len(numbers)})
            write_audit(connection, [change], actor=actor, now=now)
    return len(numbers)


def identify_all(catalog: Catalog, *, domain: str, now: datetime) -> int:
    """Give Dubber's identifiers to every user that has none; how many."""
    lacking = select(subscribers.c.number).where(subscribers.c.external_identifier.is_(None))
    with catalog.database.read() as connection:
        if connection.execute(lacking.limit(1)).first() is None:
            return 0
    with catalog.database.write(SUBSCRIBERS_TOPIC) as connection:
        provider = read_provider(connection)
        found = get_subscribers(connection, connection.execute(lacking).scalars().all())
        put_subscribers(connection, ((identified(one, provider, domain), None) for one in found.values()), now)
    return len(found)


def request_enabled(connection: Connection, *, again: bool, now: datetime) -> None:
    """Within a transaction: provision everybody whose recording is on; ``again``: also those that are done."""
    query = select(subscribers.c.number).where(subscribers.c.mode != RecordingMode.NEVER.value)
    if not again:
        query = query.where(subscribers.c.number.not_in(select(provisioning.c.number)))
    request_in(connection, connection.execute(query).scalars().all(), now)


def is_enabled(subscriber: Subscriber) -> bool:
    """Whether call recording is on for somebody."""
    return subscriber.recording.mode is not RecordingMode.NEVER


def described(subscriber: Subscriber) -> dict[str, Any]:
    """What the audit log says about a user: all that is kept of it, but what says nothing to people."""
    return {name: value for name, value in columns(subscriber).items() if name not in _UNTOLD}


def _check(subscriber: Subscriber, number: str) -> None:
    if subscriber.number != number:
        raise ValueError("number: a user keeps the number it has")
    if len(subscriber.name) > MAX_NAME_CHARS or not subscriber.name.isprintable():
        raise ValueError(f"name: at most {MAX_NAME_CHARS} printable characters")
    if not 1 <= subscriber.no_answer_s <= MAX_NO_ANSWER_S:
        raise ValueError(f"no_answer_s: 1 to {MAX_NO_ANSWER_S}")


def _check_may_enable(provider: ProviderSettings) -> None:
    if provider.group_id is None:
        raise GroupIdMissing
    if provider.terms_accepted_at is None:
        raise TermsNotAccepted


def _told(old: Subscriber | None, new: Subscriber, *, has_password: bool) -> Iterable[AuditChange]:
    if old is None:
        yield AuditChange(action="user.added", subject=new.number, after=described(new))
    elif old != new:
        before, after = changed_values(described(old), described(new))
        yield AuditChange(action="user.changed", subject=new.number, before=before, after=after)
    if has_password:
        yield AuditChange(action="user.phone_key_reset", subject=new.number)
