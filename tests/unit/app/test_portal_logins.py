"""The first logins are made once, are told while they are still ours, and stay gone when somebody removed them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from catalog import Catalog, PortalRole
from mediaserver.app.portal_logins import API_FILE, LOGINS_FILE, ensure_api_token, ensure_logins
from webkit.passwords import hash_password, verify_password

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def logins(catalog: Catalog, folder: Path, *, demo_users: bool = False) -> dict[str, dict[str, str]]:
    found = ensure_logins(catalog, folder, "example.org", NOW, demo_users=demo_users)
    return {login["username"]: login for login in found}


def test_the_same_logins_at_every_start(tmp_path: Path) -> None:
    with Catalog.open("sqlite://") as catalog:
        first = logins(catalog, tmp_path)
        assert {name: login["role"] for name, login in first.items()} == {
            "provider": "provider",
            "admin": "administrator",
        }
        for name, login in first.items():
            assert verify_password(catalog.accounts.password_hash(name), login["password"])
        assert logins(catalog, tmp_path) == first
        assert (tmp_path / LOGINS_FILE).stat().st_mode & 0o077 == 0


def test_demo_users_sign_in_by_their_numbers(tmp_path: Path) -> None:
    with Catalog.open("sqlite://") as catalog:
        found = logins(catalog, tmp_path, demo_users=True)
        assert sorted(found) == ["1000", "1001", "1002", "1003", "1004", "1005", "admin", "provider"]
        account = catalog.accounts.get("1003")
        assert account is not None
        assert (account.role, account.number) == (PortalRole.USER, "1003")


def test_changed_and_removed_accounts_are_not_told_nor_made_again(tmp_path: Path) -> None:
    with Catalog.open("sqlite://") as catalog:
        logins(catalog, tmp_path)
        catalog.accounts.set_password("admin", hash_password("another password"), now=NOW)
        catalog.accounts.delete("provider")
        assert logins(catalog, tmp_path) == {}
        assert catalog.accounts.get("provider") is None


def test_the_first_token_opens_every_api_until_it_is_revoked(tmp_path: Path) -> None:
    with Catalog.open("sqlite://") as catalog:
        token = ensure_api_token(catalog, tmp_path, NOW)
        assert ensure_api_token(catalog, tmp_path, NOW) == token
        assert (tmp_path / API_FILE).stat().st_mode & 0o077 == 0
        known = catalog.api_tokens.find(sha256(token.encode()).hexdigest())
        assert known is not None
        assert {"mediaserver:write", "spark-admin:people_write"} <= known.scopes
        catalog.api_tokens.delete(known.id)
        assert ensure_api_token(catalog, tmp_path, NOW) == ""
