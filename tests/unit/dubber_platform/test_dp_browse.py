"""The list of recordings: order, pages, filters, search, and what matched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from dubber_platform.store import browse as room
from dubber_platform.store.browse import Filter, Kind, browse, unidentified
from dubber_platform.store.changes import add_note, delete_note, set_metadata, set_star, set_tags
from dubber_platform.store.dub_points import DubPointDraft, add_dub_point, forget
from dubber_platform.store.people import UserDraft, change_user, delete_user
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import Match
from dubber_platform.store.schema import DubPoint, Recording
from tests.support.dubber import START
from tests.support.library import Library, open_library


def ids(library: Library, viewer: str = "boss", **wanted: object) -> list[int]:
    """What the first page shows."""
    return [row.id for row in browse(library.session, library.viewer(viewer), Filter(**wanted)).rows]  # type: ignore[arg-type]


def test_the_newest_call_comes_first_whenever_it_was_delivered(library: Library) -> None:
    """Of calls that began together the one delivered last."""
    late = library.call(minutes=-10)
    first, second = library.call(minutes=5), library.call(minutes=5)
    assert ids(library) == [second, first, late]


def test_pages_go_forwards_and_back(library: Library) -> None:
    """Every recording once; the cursors are there when there is something to go to."""
    made = [library.call(minutes=number // 2) for number in range(7)][::-1]
    viewer, pages, after = library.viewer("boss"), [], None
    while True:
        page = browse(library.session, viewer, Filter(after=after), rows=3)
        pages.append(page)
        after = page.next
        if after is None:
            break
    assert [[row.id for row in page.rows] for page in pages] == [made[:3], made[3:6], made[6:]]
    assert [(page.total, page.more_than_total) for page in pages] == [(7, False)] * 3
    assert [page.previous is None for page in pages] == [True, False, False]
    back = browse(library.session, viewer, Filter(before=pages[2].previous), rows=3)
    assert ([row.id for row in back.rows], back.next, back.previous) == (made[3:6], pages[1].next, pages[1].previous)
    start = browse(library.session, viewer, Filter(before=back.previous), rows=3)
    assert ([row.id for row in start.rows], start.previous) == (made[:3], None)


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.2.3", "9" * 18 + ".1", "1.-1", "1.x\n"])
def test_a_cursor_that_is_none_is_refused(library: Library, cursor: str) -> None:
    """With the field named."""
    for field in ("after", "before"):
        with pytest.raises(RefusedError) as refused:
            ids(library, **{field: cursor})
        assert (refused.value.why, refused.value.field) == (Why.MALFORMED, field)


def test_totals_are_counted_up_to_a_limit(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it there are more than that."""
    for number in range(5):
        library.call(minutes=number)
    monkeypatch.setattr(room, "COUNT_MAX", 4)
    page = browse(library.session, library.viewer("boss"), Filter(), rows=2)
    assert (page.total, page.more_than_total) == (4, True)


def test_every_filter_alone_and_together(library: Library) -> None:
    """All of them narrow the list down."""
    library.user("ann")
    library.dub_point("d" * 20, "ann")
    plain = library.call(minutes=1)
    mail = library.call(minutes=2, recording_type="voicemail")
    vip = library.call("ann", minutes=3, tags=("vip", "sales"))
    star = library.call("ann", minutes=4, starred=True, tags=("sales",), dub_point_id="d" * 20)
    library.call(minutes=5, status="Uploading")
    assert ids(library) == [star, vip, mail, plain]
    assert ids(library, kind=Kind.RECORDINGS) == [star, vip, plain]
    assert ids(library, kind=Kind.VOICEMAILS) == [mail]
    assert ids(library, kind=Kind.TAGGED) == [star, vip]
    assert ids(library, kind=Kind.STARRED) == [star]
    assert ids(library, tag="vip") == [vip]
    assert ids(library, user_id="ann") == [star, vip]
    assert ids(library, dub_point_id="d" * 20) == [star]
    assert ids(library, start=START + timedelta(minutes=2), end=START + timedelta(minutes=4)) == [vip, mail]
    assert ids(library, viewer="ann", scope="mine") == [star, vip]
    assert ids(library, kind=Kind.STARRED, tag="sales", user_id="ann", dub_point_id="d" * 20, text="sal") == [star]
    assert ids(library, kind=Kind.STARRED, tag="vip") == []


def test_a_team_is_a_scope_for_its_members_and_administrators(library: Library) -> None:
    """For others there is no such team."""
    for name in ("ann", "bob", "eve"):
        library.user(name)
    library.team("t" * 20, {"ann": "Listener"}, ["bob"])
    of_bob, of_ann = library.call("bob", minutes=1), library.call("ann", minutes=2)
    assert ids(library, viewer="ann") == [of_ann, of_bob]
    assert ids(library, viewer="ann", scope="t" * 20) == ids(library, scope="t" * 20) == [of_bob]
    for viewer, scope in (("eve", "t" * 20), ("boss", "nothing")):
        with pytest.raises(RefusedError) as refused:
            ids(library, viewer=viewer, scope=scope)
        assert (refused.value.why, refused.value.field) == (Why.UNKNOWN, "scope")


def test_search_looks_everywhere_and_tells_where(library: Library) -> None:
    """Numbers, labels, users, dub points, tags, metadata, notes."""
    library.user("ann", first_name="Anne-Zoé", last_name="Müller")
    library.dub_point("d" * 20, "ann", label="Front desk", number="4321")
    call = library.call(
        "ann",
        to="+33612345678",
        to_label="Théo Roux",
        channel="desk phone",
        dub_point_id="d" * 20,
        tags=("urgent",),
        details={"order": "A-4711"},
        meta_tags={"external-call-id": "callhalf-7:0", "recording-platform": "broadworks", "marks-01": "a1"},
        additional_parties=[{"number": "+33700000001", "label": "Nora"}],
    )
    library.call(to="555")
    add_note(library.session, library.viewer("ann"), call, "Asked for a refund.", now=START)
    found = {
        "roux": Match(field="to_label", text="Théo Roux", ranges=((5, 9),)),
        "5678": Match(field="to", text="+33612345678", ranges=((8, 12),)),
        "muller": Match(field="user", text="Anne-Zoé Müller", ranges=((9, 15),)),
        "front": Match(field="dub_point", text="Front desk", ranges=((0, 5),)),
        "phone": Match(field="channel", text="desk phone", ranges=((5, 10),)),
        "urg": Match(field="tag", text="urgent", ranges=((0, 3),)),
        "4711": Match(field="metadata.order", text="A-4711", ranges=((2, 6),)),
        "callhalf": Match(field="meta_tags.external-call-id", text="callhalf-7:0", ranges=((0, 8),)),
        "REFUND": Match(field="note", text="Asked for a refund.", ranges=((12, 18),)),
        "nora": Match(field="party", text="Nora", ranges=((0, 4),)),
    }
    viewer = library.viewer("boss")
    pages = {text: browse(library.session, viewer, Filter(text=text)) for text in found}
    assert {text: [row.matches for row in page.rows] for text, page in pages.items()} == {
        text: [(match,)] for text, match in found.items()
    }
    assert ids(library, text="roux refund 4711 zoe") == [call]
    assert [ids(library, text=text) for text in ("broadworks", "roux nothing", "efund", "a1")] == [[]] * 4


def test_a_long_note_is_shown_around_what_was_found(library: Library) -> None:
    """A hundred and twenty characters of it."""
    call = library.call()
    add_note(library.session, library.viewer("boss"), call, "x " * 300 + "refund " + "y " * 300, now=START)
    (row,) = browse(library.session, library.viewer("boss"), Filter(text="refund")).rows
    (match,) = row.matches
    ((start, end),) = match.ranges
    assert (len(match.text), match.text[start:end]) == (120, "refund")


def test_search_follows_every_change(library: Library) -> None:
    """Tags, metadata, notes, stars, names, labels; also when things are deleted."""
    boss, session = library.viewer("boss"), library.session
    library.user("ann")
    call = library.call("ann", dub_point_id=library.dub_point("d" * 20, "ann", label="Old"), tags=("before",))
    set_tags(session, boss, call, ["after"], now=START)
    set_metadata(session, boss, call, {"k": "meta"}, now=START)
    note = add_note(session, boss, call, "noted", now=START)
    set_star(session, boss, call, True, now=START)
    change_user(session, boss, "ann", UserDraft(username="", first_name="Renée", last_name="Blanc"), now=START)
    words = ("after", "meta", "noted", "renee", "old")
    assert [ids(library, text=text) for text in (*words, "before", "smith")] == [[call]] * 5 + [[], []]
    delete_note(session, boss, call, note, now=START)
    delete_user(session, boss, "ann")
    forget(session, session.get_one(DubPoint, "d" * 20))
    assert [ids(library, text=text) for text in words] == [[call], [call], [], [], []]
    session.delete(session.get_one(Recording, call))
    session.flush()
    assert (ids(library, text="after"), ids(library)) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "*",
        "NEAR(a b)",
        "a AND",
        "words:x",
        "^",
        "-a",
        "a OR b",
        "'; --",
        "(",
        "{a}: b",
        "\x00",
        "%",
        "\ud800",
        "x" * 10_000,
    ],
    ids=lambda text: repr(text[:10]),
)
def test_hostile_searches_are_plain_text(library: Library, text: str) -> None:
    """Never an error, never an operator; the call that says so is found when it is words."""
    library.call(to_label="harmless")
    said = library.call(to_label="near a b and words x or") if text.isascii() and len(text) < 100 else None
    found = ids(library, text=text)
    assert found in ([], [said])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_label_is_found_by_any_beginning_of_its_words(library: Library, label: str, text: str) -> None:
    """And any search at all is answered."""
    clean = label.encode("utf-8", "ignore").decode().replace("\x00", "")
    call = library.call(to_label=clean)
    assert isinstance(ids(library, text=text), list)
    wanted = " ".join(word[:3] for word in room.terms_of(clean))
    if wanted:
        assert call in ids(library, text=wanted)
    library.session.delete(library.session.get_one(Recording, call))
    library.session.flush()


def test_an_old_call_is_found_behind_many_new_ones(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are looked through, then the index is asked; both give the same, page by page."""
    old = [library.call(minutes=number, to_label="Martin rare") for number in range(5)]
    for number in range(20):
        library.call(minutes=100 + number, to_label="Martin other", tags=("x",))
    viewer = library.viewer("boss")
    answers = []
    for walk in (1000, 3):
        monkeypatch.setattr(room, "WALK_ROWS", walk)
        first = browse(library.session, viewer, Filter(text="martin rare m a"[:11]), rows=3)
        rest = browse(library.session, viewer, Filter(text="martin rare", after=first.next), rows=3)
        back = browse(library.session, viewer, Filter(text="martin rare", before=rest.previous), rows=3)
        none = browse(library.session, viewer, Filter(text="martin rare", tag="x"), rows=3)
        answers.append([[row.id for row in page.rows] for page in (first, rest, back, none)])
    assert answers == [[old[:1:-1], old[1::-1], old[:1:-1], []]] * 2


def test_what_could_not_be_placed_has_a_list_of_its_own(library: Library) -> None:
    """For those who speak for the group; a dub point made by hand claims what waits for it."""
    library.user("chief", group_id="g", role="Administrator")
    key = {
        "external_type": "BroadWorks",
        "service_provider": "SP",
        "external_group": "GR",
        "external_identifier": "ann@acme",
    }
    library.user("ann")
    library.dub_point("e" * 20, None, account_id=None, **key)
    waiting = library.call(account_id=None, dub_point_id="e" * 20, to_label="Waiting")
    alone = library.call(account_id=None, minutes=1)
    chief, boss, session = library.viewer("chief"), library.viewer("boss"), library.session
    assert [row.id for row in unidentified(session, chief).rows] == [alone, waiting]
    assert [row.id for row in unidentified(session, chief, Filter(text="wait")).rows] == [waiting]
    assert (unidentified(session, boss).rows, ids(library), ids(library, viewer="chief")) == ((), [], [])
    draft = DubPointDraft(user_id="ann", product="reserved", label="Ann's line", number="1001", **key)
    made = add_dub_point(session, boss, draft, now=START, ids=library.ids)
    assert made.id == "e" * 20
    assert [row.id for row in unidentified(session, chief).rows] == [alone]
    assert ids(library, viewer="ann") == ids(library, text="ann line wait") == [waiting]


@pytest.mark.parametrize("who", ["boss", "bob"])
@pytest.mark.parametrize("wanted", [Filter(), Filter(tag="vip"), Filter(text="martin")], ids=["all", "tag", "search"])
def test_the_most_important_are_read_from_an_index_of_their_own(who: str, wanted: Filter) -> None:
    """By SQLite, for the list and for its total, by whoever sees the recordings of many."""
    library, asked = open_library(), []
    for user in ("ann", "bob"):
        library.user(user)
    library.team("t", {"bob": "Listener"}, ["ann"])
    viewer, session = library.viewer(who), library.session

    def keep(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    event.listen(session.get_bind(), "before_cursor_execute", keep)
    browse(session, viewer, replace(wanted, kind=Kind.STARRED))
    lists = [(statement, values) for statement, values in asked if "starred IS 1" in statement]
    plans = [
        " / ".join(row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
        for statement, values in lists
    ]
    library.close()
    assert plans
    assert all("USING COVERING INDEX recordings_browse_starred" in plan for plan in plans), plans
