"""A platform's store without the platform around it: in memory, with a few people and as many calls as a test wants."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from dubber_platform.store import search
from dubber_platform.store.companions import Team, TeamMember, TeamReach
from dubber_platform.store.database import create_schema, engine_of
from dubber_platform.store.recordings import set_tags
from dubber_platform.store.schema import Account, DubPoint, Group, Recording, User
from dubber_platform.store.visibility import Viewer, viewer_of
from tests.support.databases import IN_MEMORY
from tests.support.dubber import START, CountedChance

DATES = {"date_created": START, "date_updated": START}


@dataclass(slots=True)
class Library:
    """An open session on an empty store with one group ``g`` and its account ``acme``."""

    session: Session
    ids: CountedChance = field(default_factory=CountedChance)
    now: datetime = START

    def account(self, account_id: str, group_id: str = "g") -> str:
        """A further account."""
        self.session.add(Account(id=account_id, group_id=group_id, name=account_id.title(), details={}, **DATES))
        self.session.flush()
        return account_id

    def group(self, group_id: str, parent_id: str | None = None) -> str:
        """A further group."""
        self.session.add(Group(id=group_id, name=group_id, parent_id=parent_id, **DATES))
        self.session.flush()
        return group_id

    def user(self, user_id: str, account_id: str | None = "acme", **fields: Any) -> str:
        """A user; ``ann`` is Ann Smith unless told otherwise."""
        given = {"first_name": user_id.title(), "last_name": "Smith", "username": f"{user_id}@acme.example", **fields}
        self.session.add(User(id=user_id, account_id=account_id, **given, **DATES))
        self.session.flush()
        return user_id

    def team(self, team_id: str, members: dict[str, str], reach: list[str], account_id: str = "acme") -> str:
        """A team with roles by member, and whose recordings it reaches."""
        self.session.add(Team(id=team_id, account_id=account_id, name=team_id.title(), **DATES))
        self.session.flush()
        self.session.add_all(TeamMember(team_id=team_id, user_id=user, role=role) for user, role in members.items())
        self.session.add_all(TeamReach(team_id=team_id, user_id=user) for user in reach)
        self.session.flush()
        return team_id

    def dub_point(self, dub_point_id: str, user_id: str | None, account_id: str | None = "acme", **fields: Any) -> str:
        """A dub point; without an account it is unidentified."""
        row = DubPoint(id=dub_point_id, group_id="g", account_id=account_id, user_id=user_id, **fields, **DATES)
        self.session.add(row)
        self.session.flush()
        return dub_point_id

    def call(self, user_id: str | None = None, *, minutes: float = 0, tags: tuple[str, ...] = (), **fields: Any) -> int:
        """A complete recording ``minutes`` after START; its id."""
        start = START + timedelta(minutes=minutes)
        given = {
            "group_id": "g",
            "account_id": "acme",
            "to": "9002",
            "from_": "1001",
            "call_type": "outbound",
            "status": "Active",
            "duration": 60,
            "size": 1000,
            "media_type": "audio/wav",
            **fields,
        }
        row = Recording(
            user_id=user_id,
            start_time=start,
            expiry_time=START + timedelta(days=90),
            **{"meta_tags": {}, "details": {}, "transfers": [], "additional_parties": [], **given},
            **DATES,
        )
        self.session.add(row)
        self.session.flush()
        set_tags(self.session, row, tags, START)
        search.reindex(self.session, [row.id])
        return row.id

    def close(self) -> None:
        """Let go of everything."""
        engine = self.session.get_bind()
        self.session.close()
        assert isinstance(engine, Engine)
        engine.dispose()

    def viewer(self, user_id: str) -> Viewer:
        """Who this user is now."""
        found = viewer_of(self.session, user_id)
        assert found is not None
        return found


def open_library(url: str = IN_MEMORY) -> Library:
    """Everything in memory, or in a database that has the tables; close it in the end."""
    if url == IN_MEMORY:
        engine = engine_of(url, poolclass=StaticPool)
        _connection(engine).deserialize(_empty())
    else:
        engine = engine_of(url)
    session = Session(engine)
    library = Library(session)
    library.group("g")
    library.account("acme")
    library.user("boss", role="Administrator")
    return library


@cache
def _empty() -> bytes:
    """A store with nothing in it, made once: its tables take longer to make than most tests."""
    engine = engine_of(IN_MEMORY, poolclass=StaticPool)
    create_schema(engine)
    content = _connection(engine).serialize()
    engine.dispose()
    return content


def _connection(engine: Engine) -> sqlite3.Connection:
    connection = engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
