"""The provider's set-up, changed by people: the group id, auto-provisioning, the terms, and default identifiers.

As in ``catalog.enabling``, a change, what follows from it and its entry in the audit log are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from catalog.audit import Actor, AuditChange, changed_values, write_audit
from catalog.enabling import request_enabled
from catalog.provider import ProviderSettings, configured_group_id, read_provider, write_provider
from catalog.provisioning import TOPIC as PROVISIONING_TOPIC
from catalog.provisioning import switch_in
from catalog.settings import TOPIC as SETTINGS_TOPIC
from catalog.store import Catalog

CONFIGURATION: Final = Actor(name="configuration")
"""Who acts when a configuration file names the group."""


def install_group(
    catalog: Catalog, group_id: str, *, group_name: str = "", actor: Actor, now: datetime
) -> ProviderSettings:
    """Set the group id that Dubber issued (and that was checked there); ValueError names the field.

    With the first one, auto-provisioning is on; users that are enabled already are provisioned (call ``Dubber.wake``).
    """
    with catalog.database.write(SETTINGS_TOPIC, PROVISIONING_TOPIC) as connection:
        return _install(connection, group_id, group_name, actor, now)


def remove_group(catalog: Catalog, *, actor: Actor, now: datetime) -> bool:
    """Call recording is not installed any more; False when it was not. Users that are enabled stay so."""
    with catalog.database.write(SETTINGS_TOPIC) as connection:
        if read_provider(connection).group_id is None:
            return False
        changes = {"group_id": None, "group_name": None, "account_id": None}
        _change(connection, "provider.uninstalled", changes, actor, now)
    return True


def set_auto_provisioning(catalog: Catalog, on: bool, *, actor: Actor, now: datetime) -> ProviderSettings:
    """Whether Dubber's users and dub points are made by us; what is not done yet goes the other way at once."""
    with catalog.database.write(SETTINGS_TOPIC, PROVISIONING_TOPIC) as connection:
        if read_provider(connection).auto_provisioning != on:
            _change(connection, "provider.auto_provisioning", {"auto_provisioning": on}, actor, now)
            switch_in(connection, automatic=on, now=now)
        return read_provider(connection)


def accept_terms(catalog: Catalog, *, actor: Actor, now: datetime) -> ProviderSettings:
    """Accept the vendor's terms of service, once: who and when stays."""
    with catalog.database.write(SETTINGS_TOPIC) as connection:
        _accept(connection, actor, now)
        return read_provider(connection)


def set_identifiers(
    catalog: Catalog, *, service_provider: str, external_group: str, actor: Actor, now: datetime
) -> ProviderSettings:
    """Default identifiers of users added from now on; ValueError names the field."""
    with catalog.database.write(SETTINGS_TOPIC) as connection:
        changes = {"service_provider": service_provider, "external_group": external_group}
        _change(connection, "provider.identifiers", changes, actor, now)
        return read_provider(connection)


def install_configured(catalog: Catalog, group_id: str, *, now: datetime) -> None:
    """A group id in the configuration counts as installed, and its terms as accepted by who wrote it there.

    It is looked at when it is new or different there: what somebody set in a portal since stays.
    """
    with catalog.database.read() as connection:
        if configured_group_id(connection) == group_id:
            return
    with catalog.database.write(SETTINGS_TOPIC, PROVISIONING_TOPIC) as connection:
        write_provider(connection, {"configured_group_id": group_id or None}, now)
        if group_id:
            _install(connection, group_id, "", CONFIGURATION, now)
            _accept(connection, CONFIGURATION, now)


def _install(connection: Connection, group_id: str, group_name: str, actor: Actor, now: datetime) -> ProviderSettings:
    before = read_provider(connection)
    changes: dict[str, Any] = {"group_id": group_id, "group_name": group_name}
    if before.group_id is None:
        changes["auto_provisioning"] = True
    if before.group_id != group_id:
        changes["account_id"] = None
    _change(connection, "provider.installed", changes, actor, now)
    request_enabled(connection, again=before.group_id != group_id, now=now)
    return read_provider(connection)


def _accept(connection: Connection, actor: Actor, now: datetime) -> None:
    if read_provider(connection).terms_accepted_at is None:
        changes = {"terms_accepted_at": now, "terms_accepted_by": actor.name}
        _change(connection, "provider.terms_accepted", changes, actor, now)


def _change(connection: Connection, action: str, changes: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    old = read_provider(connection)
    write_provider(connection, changes, now)
    before, after = changed_values(_described(old), _described(read_provider(connection)))
    if after:
        change = AuditChange(action=action, subject="provider", before=before, after=after)
        write_audit(connection, [change], actor=actor, now=now)


def _described(provider: ProviderSettings) -> dict[str, Any]:
    accepted_at = provider.terms_accepted_at
    return {
        "group_id": provider.group_id,
        "group_name": provider.group_name,
        "auto_provisioning": provider.auto_provisioning,
        "service_provider": provider.service_provider,
        "external_group": provider.external_group,
        "account_id": provider.account_id,
        "terms_accepted_at": None if accepted_at is None else accepted_at.isoformat(),
        "terms_accepted_by": provider.terms_accepted_by,
    }
