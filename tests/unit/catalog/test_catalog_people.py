"""Who signs in, with which tokens, and what they changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy.exc import IntegrityError

from callmodel.modes import Language
from catalog import Actor, ApiToken, AuditChange, AuditEntry, Catalog, PortalAccount, PortalRole
from tests.support.databases import Databases

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HASH, OTHER_HASH = "$argon2id$one", "$argon2id$two"
ANNE = PortalAccount(username="anne@carrier.test", name="Anne", role=PortalRole.PROVIDER, language=Language.FR)
USER = PortalAccount(username="1001", name="Alan", role=PortalRole.USER, number="1001")
ADMIN = Actor(name="admin", address="192.0.2.7")


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        yield opened


# --- accounts ---------------------------------------------------------------------------------------


def test_an_account_comes_back_whole(catalog: Catalog) -> None:
    catalog.accounts.put(ANNE, HASH, now=NOW)
    catalog.accounts.put(USER, None, now=NOW)
    assert catalog.accounts.list() == (USER, ANNE)
    assert catalog.accounts.get("anne@carrier.test") == ANNE
    assert catalog.accounts.get("bert") is None


def test_an_account_without_a_password_has_no_hash(catalog: Catalog) -> None:
    catalog.accounts.put(USER, None, now=NOW)
    assert catalog.accounts.password_hash("1001") is None
    assert catalog.accounts.password_hash("bert") is None


def test_putting_an_account_again_keeps_its_password(catalog: Catalog) -> None:
    catalog.accounts.put(ANNE, HASH, now=NOW)
    renamed = PortalAccount(username=ANNE.username, name="Anne-Marie", role=PortalRole.ADMINISTRATOR)
    catalog.accounts.put(renamed, None, now=LATER)
    assert (catalog.accounts.get(ANNE.username), catalog.accounts.password_hash(ANNE.username)) == (renamed, HASH)


def test_a_password_is_replaced(catalog: Catalog) -> None:
    catalog.accounts.put(ANNE, HASH, now=NOW)
    assert catalog.accounts.set_password(ANNE.username, OTHER_HASH, now=LATER)
    assert catalog.accounts.password_hash(ANNE.username) == OTHER_HASH
    assert not catalog.accounts.set_password("bert", OTHER_HASH, now=LATER)


def test_a_password_that_is_not_hashed_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no password hash"):
        catalog.accounts.put(ANNE, "correct horse", now=NOW)
    assert catalog.accounts.list() == ()


def test_an_account_is_removed(catalog: Catalog) -> None:
    catalog.accounts.put(ANNE, HASH, now=NOW)
    assert [catalog.accounts.delete(ANNE.username), catalog.accounts.delete(ANNE.username)] == [True, False]
    assert catalog.accounts.list() == ()


def test_every_change_of_an_account_is_counted(catalog: Catalog) -> None:
    catalog.accounts.put(ANNE, HASH, now=NOW)
    catalog.accounts.set_password(ANNE.username, OTHER_HASH, now=NOW)
    catalog.accounts.delete(ANNE.username)
    assert (catalog.accounts.version(), catalog.version("accounts")) == (3, 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"username": "Anne"}, "username must be"),
        ({"username": ""}, "username must be"),
        ({"username": "a" * 65}, "username must be"),
        ({"username": "a b"}, "username must be"),
        ({"name": "x" * 129}, "name must be"),
        ({"name": "a\nb"}, "name must be"),
        ({"role": PortalRole.USER}, "belongs to a subscriber"),
    ],
    ids=["capital", "empty", "long", "space", "long-name", "control", "user-without-number"],
)
def test_what_cannot_be_an_account_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PortalAccount(**{**asdict(ANNE), **changes})


# --- tokens -----------------------------------------------------------------------------------------


def test_a_token_is_found_by_its_digest_alone(catalog: Catalog) -> None:
    digest = sha256(b"a token").hexdigest()
    token = catalog.api_tokens.issue(digest, name="for wxc", scopes=["read", "write", "read"], number="1001", now=NOW)
    assert token == ApiToken(
        id=token.id,
        name="for wxc",
        scopes=frozenset({"read", "write"}),
        number="1001",
        created_at=NOW,
        last_used_at=None,
    )
    assert catalog.api_tokens.find(digest) == token
    assert catalog.api_tokens.find(sha256(b"another").hexdigest()) is None
    assert digest not in repr(token)


def test_tokens_are_listed_newest_first_and_removed(catalog: Catalog) -> None:
    old, new = (
        catalog.api_tokens.issue(sha256(name.encode()).hexdigest(), name=name, scopes=(), now=at)
        for name, at in (("old", NOW), ("new", LATER))
    )
    assert catalog.api_tokens.list() == (new, old)
    assert [catalog.api_tokens.delete(old.id), catalog.api_tokens.delete(old.id)] == [True, False]
    assert catalog.api_tokens.list() == (new,)


def test_a_tokens_last_use_is_kept_to_the_minute(catalog: Catalog) -> None:
    digest = sha256(b"a token").hexdigest()
    token = catalog.api_tokens.issue(digest, name="t", scopes=(), now=NOW)
    seen = []
    for seconds in (0, 30, 61):
        catalog.api_tokens.used(token.id, NOW + timedelta(seconds=seconds))
        found = catalog.api_tokens.find(digest)
        seen.append(found and found.last_used_at)
    assert seen == [NOW, NOW, NOW + timedelta(seconds=61)]


def test_no_two_tokens_have_one_digest(catalog: Catalog) -> None:
    digest = sha256(b"a token").hexdigest()
    catalog.api_tokens.issue(digest, name="t", scopes=(), now=NOW)
    with pytest.raises(IntegrityError):
        catalog.api_tokens.issue(digest, name="t", scopes=(), now=NOW)


@pytest.mark.parametrize(
    ("digest", "name", "scopes"),
    [("the token itself", "t", 1), ("0" * 64, "", 1), ("0" * 64, "n" * 129, 1), ("0" * 64, "t", 65)],
    ids=["no-digest", "no-name", "long-name", "many-scopes"],
)
def test_what_cannot_be_a_token_is_refused(catalog: Catalog, digest: str, name: str, scopes: int) -> None:
    with pytest.raises(ValueError, match=r"SHA-256|printable characters|scopes"):
        catalog.api_tokens.issue(digest, name=name, scopes=[f"s{i}" for i in range(scopes)], now=NOW)
    assert catalog.api_tokens.list() == ()


# --- audit ------------------------------------------------------------------------------------------


def test_a_change_is_written_down_with_who_when_and_where_from(catalog: Catalog) -> None:
    change = AuditChange(action="user.changed", subject="1001", before={"mode": "Never"}, after={"mode": "Always"})
    catalog.audit.add(change, actor=ADMIN, now=NOW)
    assert catalog.audit.list() == (
        AuditEntry(
            id=1,
            at=NOW,
            actor="admin",
            action="user.changed",
            subject="1001",
            before={"mode": "Never"},
            after={"mode": "Always"},
            address="192.0.2.7",
        ),
    )


def test_the_audit_log_is_read_newest_first_page_by_page(catalog: Catalog) -> None:
    for number in range(5):
        catalog.audit.add(AuditChange(action="user.added", subject=str(number)), actor=ADMIN, now=NOW)
    first = catalog.audit.list(limit=2)
    second = catalog.audit.list(limit=2, before_id=first[-1].id)
    assert [entry.subject for entry in (*first, *second)] == ["4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"actor": "bert"}, [3]),
        ({"subject": "1001"}, [3, 1]),
        ({"action": "user.changed"}, [1]),
        ({"action": "user"}, [3, 1]),
        ({"action": "us"}, []),
        ({"action": "user", "actor": "admin"}, [1]),
    ],
    ids=["actor", "subject", "action", "kind-of-action", "part-of-a-word", "two"],
)
def test_the_audit_log_is_narrowed_down(catalog: Catalog, wanted: dict[str, str], found: list[int]) -> None:
    catalog.audit.add(AuditChange(action="user.changed", subject="1001"), actor=ADMIN, now=NOW)
    catalog.audit.add(AuditChange(action="userlike.thing", subject="x"), actor=ADMIN, now=NOW)
    catalog.audit.add(AuditChange(action="user.removed", subject="1001"), actor=Actor(name="bert"), now=NOW)
    assert [entry.id for entry in catalog.audit.list(**wanted)] == found  # type: ignore[arg-type] # all are texts


@pytest.mark.parametrize("name", ["password", "new_password", "ha1_md5", "token", "client_secret", "password_hash"])
def test_secrets_stay_out_of_the_audit_log(catalog: Catalog, name: str) -> None:
    with pytest.raises(ValueError, match="does not belong into the audit log"):
        catalog.audit.add(AuditChange(action="a.b", subject="s", after={name: "x"}), actor=ADMIN, now=NOW)
    assert catalog.audit.list() == ()
