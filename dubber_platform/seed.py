"""The first group, account, administrator and API client of a data directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from dubber_platform.config import Chance, PlatformConfig
from dubber_platform.secrets_at_rest import digest_token, hash_password
from dubber_platform.store.database import Database
from dubber_platform.store.schema import Account, Client, Group, User

SEED_FILE = "seed.json"


async def seed_demo(config: PlatformConfig, clock: Callable[[], datetime], ids: Chance) -> dict[str, str]:
    """Make the demo's group, account, administrator and client, once per data directory; the same answer every time.

    Keys: ``client_id, client_secret, username, password, group_id, account_id``. They are kept in ``seed.json`` (mode
    0600), because the database has digests only. The administrator has group authentication.
    """
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = config.data_dir / SEED_FILE
    if path.exists():
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    else:
        known = _draw(ids)
        _write_secret(path, json.dumps(known, indent=2) + "\n", ids)
    database = Database(config.sqlalchemy_url)
    try:
        await database.open()
        await database.run(lambda session: _plant(session, known, clock(), ids))
    finally:
        await database.close()
    return known


def _draw(ids: Chance) -> dict[str, str]:
    return {
        "client_id": ids.token_hex(12),
        "client_secret": ids.token_urlsafe(24),
        "username": "admin@demo.example",
        "password": ids.token_urlsafe(18),
        "group_id": ids.token_hex(10),
        "account_id": "demo",
    }


def _plant(session: Session, known: dict[str, str], now: datetime, ids: Chance) -> None:
    """Add what is missing, so that a start cut short is finished by the next one."""
    dates = {"date_created": now, "date_updated": now}
    if session.get(Group, known["group_id"]) is None:
        session.add(Group(id=known["group_id"], name="Demo group", **dates))
        session.flush()
    if session.get(Account, known["account_id"]) is None:
        group_id = known["group_id"]
        session.add(Account(id=known["account_id"], group_id=group_id, name="Demo", details={}, **dates))
        session.flush()
    if session.get(User, "admin-demo-example") is None:
        session.add(
            User(
                id="admin-demo-example",
                account_id=known["account_id"],
                group_id=known["group_id"],
                username=known["username"],
                first_name="Demo",
                last_name="Administrator",
                role="Administrator",
                confirmed=True,
                password_hash=hash_password(known["password"], ids.token_bytes(16)),
                **dates,
            )
        )
    if session.get(Client, known["client_id"]) is None:
        session.add(Client(id=known["client_id"], secret_hash=digest_token(known["client_secret"])))


def _write_secret(path: Path, text: str, ids: Chance) -> None:
    draft = path.with_suffix(f".{ids.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
