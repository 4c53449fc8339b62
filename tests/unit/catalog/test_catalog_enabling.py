"""Switching recording on and off, and installing it: rules, what follows, and what the audit log says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from callmodel.modes import RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog import (
    Actor,
    Catalog,
    GroupIdMissing,
    PortalAccount,
    PortalRole,
    ProviderSettings,
    ProvisioningState,
    ProvisioningStatus,
    TermsNotAccepted,
    UnknownSubscriberError,
    make_credentials,
)
from catalog.enabling import (
    Edit,
    edit_subscribers,
    identify_all,
    remove_subscriber,
    retry_provisioning,
    save_subscriber,
    set_sip_password,
)
from catalog.installing import (
    accept_terms,
    install_configured,
    install_group,
    remove_group,
    set_auto_provisioning,
    set_identifiers,
)
from tests.support.databases import Databases

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ANNE = Actor(name="anne", address="192.0.2.7")
DOMAIN = "carrier.test"
KEY = DubPointKey(service_provider="CARRIER", external_group="CARRIER-MAIN", external_identifier=f"1001@{DOMAIN}")
IDLE = Subscriber(number="1001", name="Alan", dub_point=KEY)
RECORDED = replace(IDLE, recording=RecordingSettings(mode=RecordingMode.ALWAYS))


@pytest.fixture
def bare(databases: Databases) -> Iterator[Catalog]:
    """Nothing is installed."""
    with Catalog.open(databases.catalog()) as opened:
        yield opened


@pytest.fixture
def catalog(bare: Catalog) -> Catalog:
    """The group is installed, the terms are accepted."""
    install_group(bare, "g-1", group_name="Acme", actor=ANNE, now=NOW)
    accept_terms(bare, actor=ANNE, now=NOW)
    return bare


def save(catalog: Catalog, subscriber: Subscriber, now: datetime = NOW) -> Subscriber:
    return save_subscriber(catalog, subscriber, domain=DOMAIN, actor=ANNE, now=now)


def waiting(status: ProvisioningStatus, now: datetime = NOW) -> ProvisioningState:
    return ProvisioningState(number="1001", status=status, next_at=now, updated_at=now)


def told(catalog: Catalog) -> list[tuple[str, str, object, object]]:
    """The audit log, oldest first."""
    return [(e.action, e.subject, e.before, e.after) for e in reversed(catalog.audit.list())]


# --- users ------------------------------------------------------------------------------------------


def test_nobody_is_enabled_before_a_group_is_installed(bare: Catalog) -> None:
    with pytest.raises(GroupIdMissing):
        save(bare, RECORDED)
    assert (bare.subscribers.list(), bare.provisioning.list(), bare.audit.list()) == ((), (), ())


def test_nobody_is_enabled_before_the_terms_are_accepted(bare: Catalog) -> None:
    install_group(bare, "g-1", actor=ANNE, now=NOW)
    with pytest.raises(TermsNotAccepted):
        save(bare, RECORDED)
    assert bare.subscribers.list() == ()


def test_users_that_are_not_recorded_need_neither(bare: Catalog) -> None:
    assert save(bare, Subscriber(number="1001", name="Alan")) == IDLE
    assert (bare.subscribers.list(), bare.provisioning.list()) == ((IDLE,), ())


def test_a_user_that_is_enabled_is_to_be_provisioned(catalog: Catalog) -> None:
    save(catalog, IDLE)
    save(catalog, RECORDED, LATER)
    assert catalog.subscribers.get("1001") == RECORDED
    assert catalog.provisioning.list() == (waiting(ProvisioningStatus.PENDING, LATER),)


def test_with_auto_provisioning_off_it_is_to_be_done_by_hand(catalog: Catalog) -> None:
    set_auto_provisioning(catalog, False, actor=ANNE, now=NOW)
    save(catalog, RECORDED)
    assert catalog.provisioning.list() == (waiting(ProvisioningStatus.MANUAL),)


def test_changing_one_mode_to_another_asks_for_nothing(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    done = replace(waiting(ProvisioningStatus.DONE), dub_point_id="d-1")
    catalog.provisioning.put(done)
    save(catalog, replace(RECORDED, recording=RecordingSettings(mode=RecordingMode.ON_DEMAND)), LATER)
    assert catalog.provisioning.list() == (done,)


def test_switching_off_keeps_the_dub_point_and_switching_on_looks_for_it_again(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    done = replace(waiting(ProvisioningStatus.DONE), dub_point_id="d-1")
    catalog.provisioning.put(done)
    save(catalog, IDLE)
    kept = catalog.provisioning.list()
    save(catalog, RECORDED, LATER)
    again = replace(waiting(ProvisioningStatus.PENDING, LATER), dub_point_id="d-1")
    assert (kept, catalog.provisioning.list()) == ((done,), (again,))


def test_an_enabled_user_can_be_changed_after_the_group_was_taken_away(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    assert remove_group(catalog, actor=ANNE, now=NOW)
    renamed = replace(RECORDED, name="Alana")
    assert save(catalog, renamed) == renamed
    assert not remove_group(catalog, actor=ANNE, now=NOW)


def test_the_audit_log_has_what_changed_and_no_more(catalog: Catalog) -> None:
    save(catalog, IDLE)
    before = len(catalog.audit.list())
    save(catalog, IDLE)
    save(catalog, RECORDED)
    assert told(catalog)[before:] == [("user.changed", "1001", {"mode": "Never"}, {"mode": "Always"})]


def test_a_new_user_is_written_down_whole(bare: Catalog) -> None:
    save(bare, IDLE)
    after = {
        "name": "Alan",
        "language": "en",
        "mailbox": False,
        "no_answer_s": 20,
        "mode": "Never",
        "announce_internal": False,
        "announce_pstn": False,
        "notification": "None",
        "reminder_s": None,
        "record_voicemail": False,
        "service_provider": "CARRIER",
        "external_group": "CARRIER-MAIN",
        "external_identifier": "1001@carrier.test",
    }
    assert told(bare) == [("user.added", "1001", None, after)]


def test_many_edits_are_one_transaction(catalog: Catalog) -> None:
    def refuse(_: Subscriber) -> Subscriber:
        raise ValueError("no")

    edits = [Edit(number="1001", apply=lambda s: replace(s, name="Alan")), Edit(number="1002", apply=refuse)]
    with pytest.raises(ValueError, match="no"):
        edit_subscribers(catalog, edits, domain=DOMAIN, actor=ANNE, now=NOW)
    assert (catalog.subscribers.list(), catalog.version("subscribers")) == ((), 0)


def test_edits_tell_who_is_new_and_who_is_to_be_provisioned(catalog: Catalog) -> None:
    save(catalog, IDLE)
    record = RecordingSettings(mode=RecordingMode.ALWAYS)
    edits = [
        Edit(number="1002", apply=lambda s: replace(s, name="Bea")),
        Edit(number="1001", apply=lambda s: replace(s, recording=record)),
        Edit(number="1002", apply=lambda s: replace(s, recording=record)),
    ]
    done = edit_subscribers(catalog, edits, domain=DOMAIN, actor=ANNE, now=NOW)
    bea = catalog.subscribers.get("1002")
    assert bea is not None
    assert (bea.name, bea.recording) == ("Bea", record)
    assert (done.added, done.changed, done.requested) == (("1002", "1002"), ("1001",), ("1001", "1002"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "x" * 129}, "name: at most 128"),
        ({"name": "a\tb"}, "name: at most 128"),
        ({"no_answer_s": 0}, "no_answer_s: 1 to 600"),
        ({"no_answer_s": 601}, "no_answer_s: 1 to 600"),
        ({"number": "NO NUMBER"}, "cannot be a subscriber's number"),
    ],
    ids=["long-name", "control", "no-ringing", "long-ringing", "number"],
)
def test_what_a_user_cannot_be_is_refused_with_the_field(
    catalog: Catalog, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        save(catalog, replace(IDLE, **changes))  # type: ignore[arg-type] # wrong values on purpose
    assert catalog.subscribers.list() == ()


def test_an_edit_cannot_change_the_number(catalog: Catalog) -> None:
    edit = Edit(number="1001", apply=lambda s: replace(s, number="1002"))
    with pytest.raises(ValueError, match="keeps the number"):
        edit_subscribers(catalog, [edit], domain=DOMAIN, actor=ANNE, now=NOW)


def test_a_password_comes_with_a_user_or_alone_and_is_never_told(catalog: Catalog) -> None:
    first, second = (make_credentials("1001", DOMAIN, word) for word in ("first", "second"))
    save_subscriber(catalog, IDLE, domain=DOMAIN, actor=ANNE, now=NOW, credentials=first)
    kept = catalog.subscribers.credentials("1001")
    set_sip_password(catalog, "1001", "second", realm=DOMAIN, actor=ANNE, now=NOW)
    assert (kept, catalog.subscribers.credentials("1001")) == (first, second)
    assert told(catalog)[-2:] == [("user.phone_key_reset", "1001", None, None)] * 2


def test_a_password_needs_a_user(catalog: Catalog) -> None:
    with pytest.raises(UnknownSubscriberError):
        set_sip_password(catalog, "1001", "x", realm=DOMAIN, actor=ANNE, now=NOW)


def test_a_removed_user_takes_its_account_tokens_and_provisioning_along(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    catalog.accounts.put(PortalAccount(username="alan", name="", role=PortalRole.USER, number="1001"), None, now=NOW)
    boss = PortalAccount(username="boss", name="", role=PortalRole.ADMINISTRATOR, number="1001")
    catalog.accounts.put(boss, None, now=NOW)
    catalog.api_tokens.issue(sha256(b"t").hexdigest(), name="t", scopes=(), number="1001", now=NOW)
    assert remove_subscriber(catalog, "1001", actor=ANNE, now=NOW)
    assert (catalog.subscribers.list(), catalog.provisioning.list(), catalog.api_tokens.list()) == ((), (), ())
    assert catalog.accounts.list() == (boss,)
    assert [(e.action, e.after) for e in catalog.audit.list(limit=1)] == [("user.removed", None)]
    assert not remove_subscriber(catalog, "1001", actor=ANNE, now=NOW)


# --- identifiers ------------------------------------------------------------------------------------


def test_users_that_lack_identifiers_get_the_providers(bare: Catalog) -> None:
    own = DubPointKey(service_provider="DEMO", external_group="DEMO-PARIS", external_identifier="x@y")
    bare.subscribers.upsert(Subscriber(number="1001", name="Alan"), now=NOW)
    bare.subscribers.upsert(Subscriber(number="1002", dub_point=own), now=NOW)
    assert [identify_all(bare, domain=DOMAIN, now=NOW), identify_all(bare, domain=DOMAIN, now=NOW)] == [1, 0]
    assert [one.dub_point for one in bare.subscribers.list()] == [KEY, own]


def test_default_identifiers_hold_for_users_added_later(catalog: Catalog) -> None:
    set_identifiers(catalog, service_provider="ACME", external_group="ACME-LYON", actor=ANNE, now=NOW)
    key = save(catalog, Subscriber(number="1001")).dub_point
    assert key == DubPointKey(
        service_provider="ACME", external_group="ACME-LYON", external_identifier="1001@carrier.test"
    )


@pytest.mark.parametrize(
    ("provider", "group", "told"),
    [
        ("", "g", "service_provider"),
        ("p" * 31, "g", "service_provider"),
        ("p", "g" * 31, "external_group"),
        ("p", " g", "external_group"),
    ],
    ids=["none", "long", "long-group", "spaces"],
)
def test_identifiers_have_dubbers_limits(catalog: Catalog, provider: str, group: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        set_identifiers(catalog, service_provider=provider, external_group=group, actor=ANNE, now=NOW)
    assert catalog.provider.read().service_provider == "CARRIER"


def test_an_identifier_that_is_too_long_is_refused(bare: Catalog) -> None:
    with pytest.raises(ValueError, match="longer than the 161 characters"):
        save_subscriber(bare, Subscriber(number="1001"), domain="d" * 160, actor=ANNE, now=NOW)


# --- the provider -----------------------------------------------------------------------------------


def test_a_new_carrier_has_nothing_installed(bare: Catalog) -> None:
    assert bare.provider.read() == ProviderSettings()


def test_installing_accepting_and_switching_is_kept_and_written_down(bare: Catalog) -> None:
    install_group(bare, "g-1", group_name="Acme", actor=ANNE, now=NOW)
    accept_terms(bare, actor=ANNE, now=NOW)
    accept_terms(bare, actor=Actor(name="bert"), now=LATER)
    found = set_auto_provisioning(bare, False, actor=ANNE, now=NOW)
    assert found == ProviderSettings(
        group_id="g-1",
        group_name="Acme",
        auto_provisioning=False,
        terms_accepted_at=NOW,
        terms_accepted_by="anne",
    )
    assert told(bare) == [
        (
            "provider.installed",
            "provider",
            {"group_id": None, "group_name": ""},
            {"group_id": "g-1", "group_name": "Acme"},
        ),
        (
            "provider.terms_accepted",
            "provider",
            {"terms_accepted_at": None, "terms_accepted_by": ""},
            {"terms_accepted_at": NOW.isoformat(), "terms_accepted_by": "anne"},
        ),
        ("provider.auto_provisioning", "provider", {"auto_provisioning": True}, {"auto_provisioning": False}),
    ]


@pytest.mark.parametrize(
    "group_id", ["", "a b", "a/b", "é", "g" * 65], ids=["none", "space", "slash", "accent", "long"]
)
def test_what_cannot_be_a_group_id_is_refused(bare: Catalog, group_id: str) -> None:
    with pytest.raises(ValueError, match="group_id: 1 to 64"):
        install_group(bare, group_id, actor=ANNE, now=NOW)
    assert bare.provider.read() == ProviderSettings()


def test_another_group_has_another_account_and_provisions_everybody_again(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    catalog.provider.set_account("acme", group_id="g-1", now=NOW)
    catalog.provisioning.put(replace(waiting(ProvisioningStatus.DONE), dub_point_id="d-1"))
    install_group(catalog, "g-1", group_name="Acme renamed", actor=ANNE, now=LATER)
    same = (catalog.provider.read().account_id, catalog.provisioning.counts()[ProvisioningStatus.DONE])
    install_group(catalog, "g-2", actor=ANNE, now=LATER)
    other = (catalog.provider.read().account_id, catalog.provisioning.counts()[ProvisioningStatus.PENDING])
    assert (same, other) == (("acme", 1), (None, 1))


def test_users_enabled_before_are_provisioned_when_the_group_is_installed(bare: Catalog) -> None:
    bare.subscribers.upsert(RECORDED, now=NOW)
    bare.subscribers.upsert(replace(IDLE, number="1002"), now=NOW)
    install_group(bare, "g-1", actor=ANNE, now=NOW)
    assert bare.provisioning.list() == (waiting(ProvisioningStatus.PENDING),)


def test_switching_auto_provisioning_turns_what_is_not_done(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    set_auto_provisioning(catalog, False, actor=ANNE, now=LATER)
    by_hand = catalog.provisioning.list()
    set_auto_provisioning(catalog, True, actor=ANNE, now=NOW)
    assert by_hand == (waiting(ProvisioningStatus.MANUAL, LATER),)
    assert catalog.provisioning.list() == (waiting(ProvisioningStatus.PENDING),)


def test_a_configured_group_counts_as_installed_with_its_terms(bare: Catalog) -> None:
    install_configured(bare, "g-1", now=NOW)
    assert bare.provider.read() == ProviderSettings(
        group_id="g-1", terms_accepted_at=NOW, terms_accepted_by="configuration"
    )


def test_what_somebody_set_after_the_configuration_stays_until_that_changes(bare: Catalog) -> None:
    found = []
    install_configured(bare, "g-1", now=NOW)
    install_group(bare, "g-2", actor=ANNE, now=NOW)
    for configured in ("g-1", "g-3", "g-3", ""):
        install_configured(bare, configured, now=NOW)
        found.append(bare.provider.read().group_id)
    assert found == ["g-2", "g-3", "g-3", "g-3"]


def test_no_configured_group_changes_nothing(bare: Catalog) -> None:
    install_configured(bare, "", now=NOW)
    assert (bare.provider.read(), bare.version("settings")) == (ProviderSettings(), 0)


# --- by hand ----------------------------------------------------------------------------------------


def test_a_failed_user_is_tried_again_when_somebody_asks(catalog: Catalog) -> None:
    save(catalog, RECORDED)
    catalog.provisioning.put(replace(waiting(ProvisioningStatus.FAILED), problem="no", attempts=3, user_id="u"))
    assert retry_provisioning(catalog, "1001", actor=ANNE, now=LATER)
    assert catalog.provisioning.list() == (waiting(ProvisioningStatus.PENDING, LATER),)
    assert told(catalog)[-1][:2] == ("provisioning.requested", "1001")


def test_only_an_enabled_user_of_an_installed_carrier_is_tried_again(catalog: Catalog) -> None:
    save(catalog, IDLE)
    assert [retry_provisioning(catalog, number, actor=ANNE, now=NOW) for number in ("1001", "1002")] == [False, False]
    save(catalog, RECORDED)
    remove_group(catalog, actor=ANNE, now=NOW)
    with pytest.raises(GroupIdMissing):
        retry_provisioning(catalog, "1001", actor=ANNE, now=NOW)
