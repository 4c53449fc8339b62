"""The audit log as people read it: actions in words, and what was before beside what is now."""

from __future__ import annotations

import re
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
    "call.steered": mark("steered the recording of a call"),
    "call.hung_up": mark("ended a call"),
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
    ("call", mark("Calls")),
)
"""Filters by the part of an action before its dot."""


NAMES: Final[Mapping[str, str]] = {
    "name": mark("Name"),
    "language": mark("Language"),
    "mailbox": mark("Mailbox"),
    "no_answer_s": mark("Rings for (seconds)"),
    "mode": mark("Mode"),
    "announce_internal": mark("Announcement in internal calls"),
    "announce_pstn": mark("Announcement in outside calls"),
    "notification": mark("Pause/resume notification"),
    "reminder_s": mark("Reminder tone every (seconds)"),
    "record_voicemail": mark("Record voicemail"),
    "service_provider": mark("Service provider"),
    "external_group": mark("External group"),
    "external_identifier": mark("External identifier"),
    "role": mark("Role"),
    "number": mark("Number"),
    "scopes": mark("Rights"),
    "codes.start": mark("Code: start"),
    "codes.stop": mark("Code: stop"),
    "codes.pause": mark("Code: pause"),
    "codes.resume": mark("Code: resume"),
    "reminder": mark("Reminder tone"),
    "reminder.hz": mark("Reminder tone: frequency"),
    "reminder.on_ms": mark("Reminder tone: burst"),
    "reminder.off_ms": mark("Reminder tone: silence"),
    "reminder.bursts": mark("Reminder tone: bursts"),
    "reminder.level_dbm0": mark("Reminder tone: level"),
    "refusal_tone": mark("Refusal tone"),
    "failure_behavior": mark("When recording fails"),
    "announce_on_resume": mark("Announce again after a pause"),
    "on_demand_stop": mark("Stop in the mode On demand"),
    "on_demand_announce": mark("Announcement in the mode On demand"),
    "repeated_code": mark("Repeated code"),
    "length_ms": mark("Length (ms)"),
    "gain_db": mark("Made louder by (dB)"),
    "group_id": mark("Group ID"),
    "group_name": mark("Group"),
    "auto_provisioning": mark("Automatic provisioning"),
    "terms_accepted_at": mark("Terms accepted at"),
    "terms_accepted_by": mark("Terms accepted by"),
    "account_id": mark("Dubber account"),
}
"""Of values in the log; others are shown by their own name."""

_VALUES: Final[Mapping[str, str]] = {
    "on": mark("on"),
    "off": mark("off"),
    "Never": mark("Off"),
    "Always": mark("Always"),
    "Always with Pause/Resume": mark("Always with pause/resume"),
    "On Demand": mark("On demand"),
    "On Demand with User Initiated Start": mark("On demand with user initiated start"),
    "None": mark("none"),
    "Beep": mark("Beep"),
    "Play Announcement": mark("Play announcement"),
    "provider": mark("Service provider"),
    "administrator": mark("Administrator"),
    "user": mark("User"),
    "PROCEED_WITH_CALL_NO_ANNOUNCEMENT": mark("Goes on, and nothing is said"),
    "PROCEED_CALL_WITH_ANNOUNCEMENT": mark("Goes on with an announcement"),
    "END_CALL_WITH_ANNOUNCEMENT": mark("Ends with an announcement"),
}
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value, before and after; empty for none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The same for people."""

    label: str
    before: str
    after: str


def told_differences(found: tuple[Difference, ...], t: Translator) -> tuple[Told, ...]:
    """Names and plain values in the reader's language."""
    return tuple(
        Told(label=_label(one.name, t), before=_value(one.before, t), after=_value(one.after, t)) for one in found
    )


def _label(name: str, t: Translator) -> str:
    return t(NAMES[name]) if name in NAMES else name


def _value(text: str, t: Translator) -> str:
    if _INSTANT.fullmatch(text):
        return f"{text[:10]} {text[11:19]} UTC"
    return t(_VALUES[text]) if text in _VALUES else text


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
