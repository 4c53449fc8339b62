"""Who sees what and may do what, against a plain statement of the rules, in worlds drawn by chance."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubber_platform.store import changes, sharing
from dubber_platform.store.browse import Filter, browse
from dubber_platform.store.dashboard import dashboard
from dubber_platform.store.detail import one
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import Right, rights_over
from tests.support.databases import Databases
from tests.support.dubber import START
from tests.support.library import Library, open_library

USERS = {"ann": "acme", "bob": "acme", "eve": "other", "far": "remote"}
ROLES = ("Listener", "Contributor", "Manager")
LISTEN, LABEL, SHARE = {Right.LISTEN}, {Right.LISTEN, Right.LABEL}, {Right.LISTEN, Right.LABEL, Right.SHARE}
BY_ROLE = {"Listener": LISTEN, "Contributor": LABEL, "Manager": SHARE}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Groups g > h and r; accounts acme (g), other (h), remote (r); who owns which call; teams of acme."""

    owners: list[tuple[str | None, str | None]]
    """Account and user by call; an account of None waits in group g."""
    teams: list[tuple[dict[str, str], list[str]]]
    """Members by role, and reach."""


OWNERS = st.sampled_from([*((account, user) for user, account in USERS.items()), ("acme", None), (None, None)])
TEAMS = st.tuples(
    st.dictionaries(st.sampled_from(["ann", "bob"]), st.sampled_from(ROLES), max_size=2),
    st.lists(st.sampled_from(["ann", "bob"]), unique=True, max_size=2),
)
WORLDS = st.builds(World, owners=st.lists(OWNERS, max_size=8), teams=st.lists(TEAMS, max_size=3))


def rights_by_the_rules(world: World, viewer: str, account: str | None, owner: str | None) -> set[Right]:
    """The rules once more, as one would tell them."""
    if viewer == "chief":
        return set(Right) if account in ("acme", "other", None) else set()
    if viewer == "boss":
        return set(Right) if account == "acme" else set()
    if account is None or owner is None or account != USERS[viewer]:
        return set()
    found = set(SHARE) if owner == viewer else set()
    for members, reach in world.teams:
        if viewer in members and owner in reach:
            found |= BY_ROLE[members[viewer]]
    return found


def build(world: World, url: str) -> tuple[Library, list[int]]:
    """The world in a store."""
    library = open_library(url)
    library.group("h", "g")
    library.group("r")
    library.account("other", "h")
    library.account("remote", "r")
    library.user("chief", group_id="g", role="Administrator")
    for user, account in USERS.items():
        library.user(user, account)
    for number, (members, reach) in enumerate(world.teams):
        library.team(f"{number:020d}", members, reach)
    groups = {"acme": "g", "other": "h", "remote": "r", None: "g"}
    calls = [
        library.call(user, minutes=number, account_id=account, group_id=groups[account], to_label="findme")
        for number, (account, user) in enumerate(world.owners)
    ]
    return library, calls


@settings(max_examples=settings.default.max_examples // 4, deadline=None)
@given(WORLDS)
def test_everybody_sees_and_may_do_what_the_rules_say_and_no_more(databases: Databases, world: World) -> None:
    """In lists, in searches, one by one, and in the dashboard's numbers."""
    library, calls = build(world, databases.platform())
    session = library.session
    try:
        for name in ("chief", "boss", *USERS):
            viewer = library.viewer(name)
            told = [rights_by_the_rules(world, name, *owner) for owner in world.owners]
            seen = {call for call, rights in zip(calls, told, strict=True) if rights}
            placed = {call for call, (account, _) in zip(calls, world.owners, strict=True) if account} & seen
            rows = [session.get_one(Recording, call) for call in calls]
            known = rights_over(session, viewer, rows)
            assert {call: set(known.get(call, ())) for call in calls} == dict(zip(calls, told, strict=True))
            assert {row.id for row in browse(session, viewer, Filter()).rows} == placed
            assert {row.id for row in browse(session, viewer, Filter(text="findme")).rows} == placed
            waiting = {row.id for row in browse(session, viewer, Filter(unidentified=True)).rows}
            assert waiting == seen - placed
            numbers = dashboard(session, viewer, now=START)
            assert (numbers.recordings, numbers.unidentified) == (len(placed), len(waiting))
            for call in calls:
                assert opens(library, name, call) == (call in seen)
    finally:
        library.close()


def opens(library: Library, name: str, call: int) -> bool:
    """Whether the recording's page is there."""
    try:
        return one(library.session, library.viewer(name), call, now=START).row.id == call
    except RefusedError as refused:
        return refused.why is not Why.UNKNOWN


@pytest.mark.parametrize(
    ("right", "work"),
    [
        (Right.LABEL, lambda lib, v, c: changes.set_tags(lib.session, v, c, ["x"], now=START)),
        (Right.LABEL, lambda lib, v, c: changes.set_star(lib.session, v, c, True, now=START)),
        (Right.LABEL, lambda lib, v, c: changes.set_metadata(lib.session, v, c, {"a": "b"}, now=START)),
        (Right.LABEL, lambda lib, v, c: changes.add_note(lib.session, v, c, "x", now=START)),
        (Right.KEEP, lambda lib, v, c: changes.set_hold(lib.session, v, c, True, "because", now=START)),
        (Right.KEEP, lambda lib, v, c: changes.set_retention(lib.session, v, c, START.replace(year=2027), now=START)),
        (Right.MOVE, lambda lib, v, c: changes.move_to_user(lib.session, v, c, "bob", now=START)),
        (Right.DELETE, lambda lib, v, c: changes.delete(lib.session, v, c)),
        (
            Right.SHARE,
            lambda lib, v, c: sharing.share(
                lib.session, v, c, expires_at=START.replace(month=4), now=START, ids=lib.ids
            ),
        ),
    ],
    ids=["tags", "star", "metadata", "note", "hold", "retention", "move", "delete", "share"],
)
def test_every_change_asks_for_its_right(library: Library, right: Right, work: object) -> None:
    """Who has it may; who sees without it is refused; for others there is no such recording."""
    for name in ("ann", "bob", "cat", "dan"):
        library.user(name)
    library.team("t" * 20, {"bob": "Listener", "cat": "Contributor", "dan": "Manager"}, ["ann"])
    library.user("eve")
    for name in ("ann", "bob", "cat", "dan", "eve", "boss"):
        call = library.call("ann")
        viewer = library.viewer(name)
        rights = rights_over(library.session, viewer, [library.session.get_one(Recording, call)]).get(call)
        try:
            work(library, viewer, call)  # type: ignore[operator]  # the functions above
            outcome = None
        except RefusedError as refused:
            outcome = refused.why
        expected = Why.UNKNOWN if rights is None else None if right in rights else Why.NOT_ALLOWED
        assert outcome is expected, name


def test_without_audio_nobody_listens_downloads_or_shares(library: Library) -> None:
    """While it is uploading, or when it was not to be recorded."""
    for status in ("Uploading", "Do Not Record"):
        row = library.session.get_one(Recording, library.call(status=status))
        rights = rights_over(library.session, library.viewer("boss"), [row])[row.id]
        assert set(Right) - rights == {Right.LISTEN, Right.DOWNLOAD, Right.SHARE}
