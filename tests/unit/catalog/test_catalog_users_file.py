from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import Actor, Catalog, GroupIdMissing, ProviderSettings, UsersFileError, make_credentials
from catalog.identifiers import identified
from catalog.installing import install_configured
from catalog.users_file import COLUMNS, FileFormat, Imported, export_users, import_users, parse_users
from tests.support.databases import Databases

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
ACTOR = Actor(name="test")
CSV, YAML = FileFormat.CSV, FileFormat.YAML
HEADER = (
    "number,password,name,language,mode,announce_internal,announce_pstn,notification,reminder_s,"
    "record_voicemail,mailbox"
)
ELODIE = Subscriber(
    number="1005",
    name="Élodie",
    language=Language.FR,
    mailbox=False,
    recording=RecordingSettings(
        mode=RecordingMode.ALWAYS_PAUSE_RESUME,
        announce_internal=True,
        announce_pstn=False,
        notification=NotificationType.ANNOUNCEMENT,
        reminder_s=10,
        record_voicemail=True,
    ),
)


def known(subscriber: Subscriber) -> Subscriber:
    """With the identifiers that every user gets."""
    return identified(subscriber, ProviderSettings(), "r")


@pytest.fixture(scope="module")
def one_catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        install_configured(opened, "g-1", now=NOW)
        yield opened


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        install_configured(opened, "g-1", now=NOW)
        yield opened


def test_the_columns_are_the_contracts() -> None:
    assert ",".join(COLUMNS) == HEADER


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_csv_row_becomes_a_subscriber(catalog: Catalog, bom: bytes) -> None:
    row = "1005,s3cret,Élodie,fr,Always with Pause/Resume,true,false,Play Announcement,10,true,false"
    done = import_users(catalog, bom + f"{HEADER}\r\n{row}\r\n".encode(), CSV, realm="r", actor=ACTOR, now=NOW)
    assert done == Imported(added=("1005",), changed=())
    assert catalog.subscribers.get("1005") == known(ELODIE)
    assert catalog.subscribers.credentials("1005") == make_credentials("1005", "r", "s3cret")


def test_a_yaml_item_becomes_the_same_subscriber(catalog: Catalog) -> None:
    text = (
        "- number: 1005\n  password: s3cret\n  name: Élodie\n  language: fr\n  mode: Always with Pause/Resume\n"
        "  announce_internal: true\n  announce_pstn: false\n  notification: Play Announcement\n  reminder_s: 10\n"
        "  record_voicemail: true\n  mailbox: false\n"
    )
    import_users(catalog, text.encode(), YAML, realm="r", actor=ACTOR, now=NOW)
    assert catalog.subscribers.get("1005") == known(ELODIE)
    assert catalog.subscribers.credentials("1005") == make_credentials("1005", "r", "s3cret")


def test_only_the_number_is_required(catalog: Catalog) -> None:
    import_users(catalog, b"number\n0123\n", CSV, realm="r", actor=ACTOR, now=NOW)
    import_users(catalog, b"- number: 0124\n", YAML, realm="r", actor=ACTOR, now=NOW)
    assert catalog.subscribers.list() == (known(Subscriber(number="0123")), known(Subscriber(number="0124")))


def test_what_a_file_does_not_say_stays_as_it_is(catalog: Catalog) -> None:
    catalog.subscribers.upsert(ELODIE, now=NOW)
    catalog.subscribers.set_password("1005", "old", realm="r", now=NOW)
    done = import_users(catalog, b"number,password,mode,mailbox\n1005,,,true\n", CSV, realm="r", actor=ACTOR, now=NOW)
    found = catalog.subscribers.get("1005")
    assert done == Imported(added=(), changed=("1005",))
    assert found is not None
    assert (found.mailbox, found.recording) == (True, ELODIE.recording)
    assert catalog.subscribers.credentials("1005") == make_credentials("1005", "r", "old")


@pytest.mark.parametrize(
    ("data", "file_format"),
    [(b"number,reminder_s,name\n1005,,\n", CSV), (b"- {number: 1005, reminder_s: null, name: ''}\n", YAML)],
)
def test_an_empty_reminder_is_off_and_an_empty_name_is_none(
    catalog: Catalog, data: bytes, file_format: FileFormat
) -> None:
    catalog.subscribers.upsert(ELODIE, now=NOW)
    import_users(catalog, data, file_format, realm="r", actor=ACTOR, now=NOW)
    found = catalog.subscribers.get("1005")
    assert found is not None
    assert (found.recording.reminder_s, found.name) == (None, "")


def test_what_a_french_spreadsheet_saves_is_read_as_it_was_meant() -> None:
    """Semicolons, a byte-order mark, line ends of Windows, and its own words for true and false."""
    saved = '\ufeffnumber;name;mode;mailbox;announce_pstn\r\n1001;"Dupont; Zoé, 2e";Always;VRAI;FAUX\r\n'
    (user,) = parse_users(saved.encode(), CSV)
    assert (user.row, user.number) == (2, "1001")
    assert user.values == {
        "name": "Dupont; Zoé, 2e",
        "mode": RecordingMode.ALWAYS,
        "mailbox": True,
        "announce_pstn": False,
    }


@pytest.mark.parametrize(
    ("data", "row", "column", "says"),
    [
        ("", 1, "number", "no such column"),
        ("name\nx\n", 1, "number", "no such column"),
        ("number;name,mode\n1;x\n", 1, "number;name", "no such column"),
        ("number;name\n1,x\n", 2, None, "1 cells under 2 columns"),
        ("number,colour\n", 1, "colour", "no such column; there are number,"),
        ("number,\n", 1, "''", "no such column"),
        ("number,number\n", 1, "number", "twice"),
        ("number,name\n1001\n", 2, None, "1 cells under 2 columns"),
        ("number\n1001\n\n10 02\n", 4, "number", "'10 02' is not 1 to 32"),
        ("number\n1001\n9003\n", 3, "number", "9003 is a service number"),
        ("number,name\n,x\n", 2, "number", "every user needs one"),
        ("number\n1001\n1002\n1001\n", 4, "number", "1001 is in row 2 already"),
        ("number,language\n1,de\n", 2, "language", "'de' is not one of: en, fr"),
        ("number,mode\n1,always\n", 2, "mode", "is not one of: Never, Always, Always with Pause/Resume, On Demand,"),
        ("number,notification\n1,Bip\n", 2, "notification", "is not one of: None, Beep, Play Announcement"),
        ("number,reminder_s\n1,9\n", 2, "reminder_s", "'9' is not a whole number from 10 to 1800"),
        ("number,reminder_s\n1,1801\n", 2, "reminder_s", "whole number"),
        ("number,reminder_s\n1,1e2\n", 2, "reminder_s", "whole number"),
        ("number,mailbox\n1,yes\n", 2, "mailbox", "'yes' is neither true nor false"),
        ("number,mailbox\n1," + "y" * 100 + "\n", 2, "mailbox", "'" + "y" * 64 + "…' is neither"),
        ("number,name\n1,a\tb\n", 2, "name", "printable"),
        ("number,name\n1," + "n" * 129 + "\n", 2, "name", "at most 128"),
        ("number,password\n1,hunter\x072\n", 2, "password", "must be at most 128 printable characters"),
        ('number\n"1001\n', 2, None, "not readable as CSV"),
    ],
)
def test_a_csv_error_names_row_and_column(data: str, row: int, column: str | None, says: str) -> None:
    with pytest.raises(UsersFileError) as caught:
        parse_users(data.encode(), CSV)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert says in caught.value.problem
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "row", "column", "says"),
    [
        ("number: 1\n", 1, None, "must be a list"),
        ("- 1001\n", 1, None, "must be a mapping"),
        ("- number: 1\n- colour: red\n", 2, "colour", "no such column"),
        ("- [a]: 1\n  number: 1\n", 1, "?", "no such column"),
        ("- number: 1\n  number: 2\n", 2, "number", "twice"),
        ("- number: [1]\n", 1, "number", "single value"),
        ("- number: 1\n\n- number: 2\n  mailbox: 'on'\n", 3, "mailbox", "neither true nor false"),
        ("- number: 1\n- {\n", 3, None, "not readable as YAML"),
        ("- number: \x07\n", None, None, "not readable as YAML"),
        ("- &a {number: 1}\n- *a\n", 2, None, "must be a mapping"),
        ("- number: 1\n---\n- number: 2\n", 3, None, "something after the list"),
        ("[" * 5000, 1, None, "must be a mapping"),
    ],
)
def test_a_yaml_error_names_row_and_column(data: str, row: int | None, column: str | None, says: str) -> None:
    with pytest.raises(UsersFileError) as caught:
        parse_users(data.encode(), YAML)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert says in caught.value.problem


def test_a_file_that_is_not_utf8_names_the_row() -> None:
    with pytest.raises(UsersFileError, match="row 2: the file is not UTF-8"):
        parse_users(b"number,name\n1,\xe9\n", CSV)


@pytest.mark.parametrize("file_format", FileFormat)
def test_a_file_has_a_largest_size(file_format: FileFormat) -> None:
    with pytest.raises(UsersFileError, match="larger than 4194304 bytes"):
        parse_users(b"\n" * ((4 << 20) + 1), file_format)


def test_a_file_has_a_largest_number_of_users() -> None:
    rows = "".join(f"{100_000 + i}\n" for i in range(20_001))
    with pytest.raises(UsersFileError, match="row 20002: more than 20000 users"):
        parse_users(("number\n" + rows).encode(), CSV)


def test_an_empty_yaml_file_is_no_users() -> None:
    assert parse_users(b"", YAML) == ()


def test_nothing_of_a_bad_file_is_applied(catalog: Catalog) -> None:
    with pytest.raises(UsersFileError, match="row 3, column mailbox"):
        import_users(catalog, b"number,mailbox\n1001,true\n1002,perhaps\n", CSV, realm="r", actor=ACTOR, now=NOW)
    assert catalog.subscribers.list() == ()


def test_a_file_that_enables_users_needs_an_installed_group(databases: Databases) -> None:
    with Catalog.open(databases.catalog()) as catalog:
        with pytest.raises(GroupIdMissing):
            import_users(catalog, b"number,mode\n1,Never\n2,Always\n", CSV, realm="r", actor=ACTOR, now=NOW)
        assert catalog.subscribers.list() == ()


def test_an_export_has_no_password() -> None:
    assert export_users([ELODIE], CSV) == (
        "number,name,language,mode,announce_internal,announce_pstn,notification,reminder_s,record_voicemail,mailbox\n"
        "1005,Élodie,fr,Always with Pause/Resume,true,false,Play Announcement,10,true,false\n"
    )


subscribers = st.builds(
    Subscriber,
    number=st.from_regex(r"[0-9a-z+\-_.]{1,32}", fullmatch=True),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=20),
    language=st.sampled_from(Language),
    mailbox=st.booleans(),
    recording=st.builds(
        RecordingSettings,
        mode=st.sampled_from(RecordingMode),
        announce_internal=st.booleans(),
        announce_pstn=st.booleans(),
        notification=st.sampled_from(NotificationType),
        reminder_s=st.none() | st.integers(10, 1800),
        record_voicemail=st.booleans(),
    ),
)


@settings(deadline=None)
@given(users=st.lists(subscribers, max_size=4, unique_by=lambda s: s.number), file_format=st.sampled_from(FileFormat))
def test_an_export_imports_as_what_it_was(
    one_catalog: Catalog, users: list[Subscriber], file_format: FileFormat
) -> None:
    text = export_users(users, file_format)
    import_users(one_catalog, text.encode(), file_format, realm="r", actor=ACTOR, now=NOW)
    assert [one_catalog.subscribers.get(user.number) for user in users] == [known(user) for user in users]


@settings(deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), file_format=st.sampled_from(FileFormat))
def test_any_bytes_are_users_or_one_clear_error(data: bytes, file_format: FileFormat) -> None:
    with suppress(UsersFileError):
        assert isinstance(parse_users(data, file_format), tuple)
