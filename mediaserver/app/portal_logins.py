"""The first people who may sign in to the carrier's portals; ``mediaserver info`` tells their passwords."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from catalog import Catalog, PortalAccount, PortalRole
from mediaserver.app.demo_users import demo_subscribers
from mediaserver.app.description import FirstDoors
from mediaserver.app.info import write_private
from portals.rest.scopes import Scope
from webkit.passwords import hash_password

LOGINS_FILE: Final = "portal-logins.json"
API_FILE: Final = "api-token.json"
FIRST_NAME: Final = "first token"


def first_doors(catalog: Catalog, secrets_dir: Path, domain: str, now: datetime, *, demo_users: bool) -> FirstDoors:
    """Make the first logins and the first token where they are missing; hashing takes a moment, so not on the loop."""
    return FirstDoors(
        logins=tuple(ensure_logins(catalog, secrets_dir, domain, now, demo_users=demo_users)),
        api_token=ensure_api_token(catalog, secrets_dir, now),
    )


def first_accounts(domain: str, *, demo_users: bool) -> tuple[PortalAccount, ...]:
    """One of the provider, one of the customer, and the demo users if there are any."""
    return (
        PortalAccount(username="provider", name="Service provider", role=PortalRole.PROVIDER),
        PortalAccount(username="admin", name="Administrator", role=PortalRole.ADMINISTRATOR),
        *(
            PortalAccount(username=user.number, name=user.name, role=PortalRole.USER, number=user.number)
            for user in (demo_subscribers(domain) if demo_users else ())
        ),
    )


def ensure_logins(
    catalog: Catalog, secrets_dir: Path, domain: str, now: datetime, *, demo_users: bool
) -> list[dict[str, str]]:
    """Add these accounts once per data directory; ``role, username, password`` of those whose password is still ours.

    An account that somebody removed does not come back; a password that somebody changed is not told.
    """
    secrets_dir.mkdir(mode=0o700, exist_ok=True)
    path = secrets_dir / LOGINS_FILE
    known: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    told: list[dict[str, str]] = []
    fresh: dict[str, Any] = {}
    accounts = first_accounts(domain, demo_users=demo_users)
    for account in accounts:
        if account.username not in known and catalog.accounts.get(account.username) is None:
            password = secrets.token_urlsafe(12)
            fresh[account.username] = {"password": password, "hash": hash_password(password)}
    if fresh:
        known |= fresh
        write_private(path, known)
    for account in accounts:
        login = known.get(account.username)
        if login is None:
            continue
        if account.username in fresh:
            catalog.accounts.put(account, login["hash"], now=now)
        if catalog.accounts.password_hash(account.username) == login["hash"]:
            told.append({"role": account.role.value, "username": account.username, "password": login["password"]})
    return told


def ensure_api_token(catalog: Catalog, secrets_dir: Path, now: datetime) -> str:
    """A token for every API, made once per data directory; empty once somebody revoked it."""
    secrets_dir.mkdir(mode=0o700, exist_ok=True)
    path = secrets_dir / API_FILE
    if path.exists():
        token = str(json.loads(path.read_text("utf-8"))["token"])
    else:
        token = secrets.token_urlsafe(32)
        digest = sha256(token.encode()).hexdigest()
        catalog.api_tokens.issue(digest, name=FIRST_NAME, scopes=[scope.value for scope in Scope], now=now)
        write_private(path, {"token": token})
    return token if catalog.api_tokens.find(sha256(token.encode()).hexdigest()) is not None else ""
