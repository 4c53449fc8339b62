"""The service provider's settings: a typed view over ``catalog.settings``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from catalog.engine import Database
from catalog.settings import TOPIC, delete_setting, write_setting
from catalog.tables import settings as table

SERVICE_PROVIDER: Final = "CARRIER"
EXTERNAL_GROUP: Final = "CARRIER-MAIN"
MAX_PROVIDER_CHARS: Final = 30
MAX_GROUP_CHARS: Final = 30

_PREFIX: Final = "provider."
_GROUP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,127}")
_CLAIM: Final = "account_claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What holds for the whole carrier."""

    group_id: str | None = None
    """As Dubber issued it; None until call recording is installed."""
    group_name: str = ""
    """As Dubber has it."""
    auto_provisioning: bool = True
    """Dubber's account, users and dub points are made by us; else by hand."""
    service_provider: str = SERVICE_PROVIDER
    """First part of the dub points of users that have no identifiers of their own."""
    external_group: str = EXTERNAL_GROUP
    """Second part of them."""
    account_id: str | None = None
    """Dubber's account of this customer, once there is one."""
    terms_accepted_at: datetime | None = None
    terms_accepted_by: str = ""


def is_group_id(text: str) -> bool:
    """True for what a group id may look like: 1 to 64 of ``A-Z a-z 0-9 . _ -``."""
    return _GROUP_ID.fullmatch(text) is not None


class Provider:
    """Reads and writes these settings; each call is one transaction. Changes by people go through enabling.py."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> ProviderSettings:
        """All of them."""
        with self._database.read() as connection:
            return read_provider(connection)

    def set_account(self, account_id: str, *, group_id: str, now: datetime) -> bool:
        """Remember the account that Dubber has for this customer in a group; False when that is not ours any more."""
        if _ACCOUNT_ID.fullmatch(account_id) is None:
            raise ValueError("this is no account id")
        with self._database.write(TOPIC) as connection:
            if read_provider(connection).group_id != group_id:
                return False
            write_provider(connection, {"account_id": account_id, _CLAIM: None}, now)
        return True

    def forget_account(self, account_id: str, *, now: datetime) -> None:
        """Dubber does not know this account any more: the next user makes one. Another account's id stays."""
        with self._database.write(TOPIC) as connection:
            if read_provider(connection).account_id == account_id:
                write_provider(connection, {"account_id": None}, now)

    def claim_account(self, owner: str, *, lease: timedelta, now: datetime) -> bool:
        """Whether ``owner`` may make the account now: nobody else may before the lease is over."""
        with self._database.write() as connection:
            claim = _values(connection).get(_CLAIM)
            if claim and claim["owner"] != owner and datetime.fromisoformat(claim["until"]) > now:
                return False
            write_provider(connection, {_CLAIM: {"owner": owner, "until": (now + lease).isoformat()}}, now)
        return True

    def release_account(self, owner: str, *, now: datetime) -> None:
        """The claim is given back: making the account failed."""
        with self._database.write() as connection:
            claim = _values(connection).get(_CLAIM)
            if claim and claim["owner"] == owner:
                write_provider(connection, {_CLAIM: None}, now)


def read_provider(connection: Connection) -> ProviderSettings:
    """All of them, within a transaction."""
    values = _values(connection)
    values.pop(_CLAIM, None)
    values.pop("configured_group_id", None)
    accepted_at = values.pop("terms_accepted_at", None)
    return ProviderSettings(
        **values, terms_accepted_at=None if accepted_at is None else datetime.fromisoformat(accepted_at)
    )


def configured_group_id(connection: Connection) -> str:
    """The group id that a configuration file had when it was last looked at."""
    return str(_values(connection).get("configured_group_id", ""))


def write_provider(connection: Connection, changes: Mapping[str, Any], now: datetime) -> None:
    """Change some of them within a transaction; None takes one back to its default. ValueError names the field."""
    for name, value in changes.items():
        if value is None:
            delete_setting(connection, _PREFIX + name)
            continue
        _CHECKS.get(name, _anything)(name, value)
        stored = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        write_setting(connection, _PREFIX + name, stored, now)


def _values(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(select(table.c.key, table.c.value).where(table.c.key.startswith(_PREFIX))).all()
    return {row.key.removeprefix(_PREFIX): row.value for row in rows}


def _anything(_name: str, _value: object) -> None:
    pass


def _group_id(name: str, value: str) -> None:
    if not is_group_id(value):
        raise ValueError(f"{name}: 1 to 64 of A-Z a-z 0-9 . _ -, as Dubber issued it")


def _identifier(name: str, value: str) -> None:
    longest = MAX_PROVIDER_CHARS if name == "service_provider" else MAX_GROUP_CHARS
    if not 1 <= len(value) <= longest or not value.isprintable() or value != value.strip():
        raise ValueError(f"{name}: 1 to {longest} printable characters, without spaces around them")


_CHECKS: Final = {"group_id": _group_id, "service_provider": _identifier, "external_group": _identifier}
