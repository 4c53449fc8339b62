"""The audit log as people read it: actions in words, and what was before beside what is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from webkit.i18n import Translator, mark

ACTIONS: Final[Mapping[str, str]] = {
    "signed-in": mark("signed in"),
    "sign-in-refused": mark("was refused at the sign-in"),
    "signed-out": mark("signed out"),
    "user.added": mark("added a user"),
    "user.changed": mark("changed a user"),
    "user.removed": mark("removed a user"),
    "user.phone_key_reset": mark("set a new SIP password"),
    "service.changed": mark("changed the service’s settings"),
    "prompt.replaced": mark("replaced an announcement"),
    "prompt.restored": mark("restored an announcement"),
    "provisioning.requested": mark("asked for provisioning"),
    "provider.installed": mark("installed call recording"),
    "provider.uninstalled": mark("removed the Group ID"),
    "provider.auto_provisioning": mark("switched automatic provisioning"),
    "provider.identifiers": mark("changed the identifiers"),
    "provider.terms_accepted": mark("accepted the terms of service"),
    "account.added": mark("added an administrator or portal user"),
    "account.removed": mark("removed a portal account"),
    "account.key_reset": mark("set a new portal password"),
    "account.key_changed": mark("changed the own portal password"),
    "access.issued": mark("made an API key"),
    "access.revoked": mark("revoked an API key"),
}
"""What an actor did. An action that is not here is shown as it is."""

KINDS: Final = (
    ("user", mark("Users")),
    ("service", mark("Service settings")),
    ("prompt", mark("Announcements")),
    ("provisioning", mark("Provisioning")),
    ("provider", mark("Service provider")),
    ("account", mark("Portal accounts")),
    ("access", mark("API access")),
    ("signed-in", mark("Sign-ins")),
    ("sign-in-refused", mark("Refused sign-ins")),
)
"""Filters by the part of an action before its dot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value, before and after; empty for none."""

    name: str
    before: str
    after: str


def action_text(action: str, t: Translator) -> str:
    """In words, as far as there are any."""
    known = ACTIONS.get(action)
    return action if known is None else t(known)


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """What changed, in the order of the values; what is new and empty is left out."""
    old, new = _flat(before or {}), _flat(after or {})
    return tuple(
        Difference(name=name, before=old.get(name, ""), after=new.get(name, ""))
        for name in {**old, **new}
        if old.get(name, "") != new.get(name, "")
    )


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": text for inner, text in _flat(value).items()}
        else:
            found[name] = _plain(value)
    return found


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(_plain, value)))
    return str(value)
