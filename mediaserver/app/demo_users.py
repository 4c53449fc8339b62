"""The six demo users: one for each recording mode, and a French one with everything switched on."""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog import Catalog

PASSWORDS_FILE: Final = "demo-users.json"

SERVICE_PROVIDER: Final = "DEMO"
GROUP: Final = "DEMO-PARIS"


def demo_subscribers(domain: str) -> tuple[Subscriber, ...]:
    """1000 to 1005, as the contract names them."""
    modes = {
        "1000": ("Nora Never", RecordingSettings(mode=RecordingMode.NEVER)),
        "1001": ("Alan Always", RecordingSettings(mode=RecordingMode.ALWAYS)),
        "1002": (
            "Paula Pause",
            RecordingSettings(mode=RecordingMode.ALWAYS_PAUSE_RESUME, notification=NotificationType.BEEP),
        ),
        "1003": ("Olga Ondemand", RecordingSettings(mode=RecordingMode.ON_DEMAND, record_voicemail=True)),
        "1004": (
            "Ursula Userstart",
            RecordingSettings(mode=RecordingMode.ON_DEMAND_USER_START, notification=NotificationType.BEEP),
        ),
        "1005": (
            "François Complet",
            RecordingSettings(
                mode=RecordingMode.ALWAYS_PAUSE_RESUME,
                announce_internal=True,
                announce_pstn=True,
                notification=NotificationType.ANNOUNCEMENT,
                reminder_s=10,
                record_voicemail=True,
            ),
        ),
    }
    return tuple(
        Subscriber(
            number=number,
            name=name,
            language=Language.FR if number == "1005" else Language.EN,
            mailbox=recording.record_voicemail,
            recording=recording,
            dub_point=DubPointKey(
                service_provider=SERVICE_PROVIDER, external_group=GROUP, external_identifier=f"{number}@{domain}"
            ),
        )
        for number, (name, recording) in modes.items()
    )


def ensure_demo_users(catalog: Catalog, secrets_dir: Path, domain: str, now: datetime) -> dict[str, str]:
    """Add those that are missing, each with a password of its own; the passwords by number.

    Passwords are made once per data directory and kept readable by this user only, because ``mediaserver info``
    prints them; the catalog has hashes. Settings that somebody changed stay.
    """
    path = secrets_dir / PASSWORDS_FILE
    passwords: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    wanted = demo_subscribers(domain)
    known = catalog.subscribers.all_credentials()
    missing = [subscriber.number for subscriber in wanted if subscriber.number not in passwords]
    if missing:
        passwords |= {number: secrets.token_urlsafe(12) for number in missing}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(passwords, file, indent=2)
    for subscriber in wanted:
        if catalog.subscribers.get(subscriber.number) is None:
            catalog.subscribers.upsert(subscriber, now=now)
        at_home = known.get(subscriber.number)
        if subscriber.number in missing or at_home is None or at_home.realm != domain:
            catalog.subscribers.set_password(subscriber.number, passwords[subscriber.number], realm=domain, now=now)
    return passwords
