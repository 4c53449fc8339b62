"""From one version of the tables to the next. Each step leaves the version it says, or nothing is changed.

A step is written out in full and does not use the mapped classes where a later version may change them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import VARCHAR, Connection, inspect, select, text
from sqlalchemy.orm import Session

from dubber_platform.store import search
from dubber_platform.store.schema import Base, Recording

TO_2 = (
    "ALTER TABLE recordings ADD COLUMN tagged BOOLEAN DEFAULT {false} NOT NULL",
    "ALTER TABLE recordings ADD COLUMN legal_hold BOOLEAN DEFAULT {false} NOT NULL",
    "ALTER TABLE recordings ADD COLUMN hold_reason VARCHAR(255) DEFAULT '' NOT NULL",
    "ALTER TABLE recordings ADD COLUMN held_by VARCHAR(254) DEFAULT '' NOT NULL",
    "ALTER TABLE recordings ADD COLUMN held_at TIMESTAMP",
    "ALTER TABLE recordings ADD COLUMN withheld_reason VARCHAR(255) DEFAULT '' NOT NULL",
    "ALTER TABLE recordings DROP COLUMN search_text",
    "UPDATE recordings SET tagged = {true} WHERE id IN (SELECT recording_id FROM recording_tags)",
    "DROP INDEX recordings_by_account",
    "DROP INDEX recordings_by_account_start",
    "DROP INDEX recordings_by_user",
    "DROP INDEX recordings_by_group",
    "DROP INDEX recordings_by_dub_point",
)


def to_2(connection: Connection) -> None:
    """Notes, links, holds, do-not-record numbers, teams; and search, filled from what there is."""
    for statement in TO_2:
        connection.execute(text(statement.format(**_words(connection))))
    Base.metadata.create_all(connection)
    for index in Recording.__table__.indexes:  # type: ignore[attr-defined]  # declared as FromClause, is a Table
        index.create(connection, checkfirst=True)
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        search.reindex(session, session.scalars(select(Recording.id).order_by(Recording.id)).all())
        session.commit()
    search.create_index(connection)
    connection.execute(text("UPDATE schema_version SET version = 2"))


TO_3 = (
    "CREATE INDEX IF NOT EXISTS recordings_browse_starred ON recordings (starred, account_id, start_time, id,"
    " user_id, dub_point_id, status, recording_type, tagged, duration, size) WHERE starred IS {true}"
)


def to_3(connection: Connection) -> None:
    """An index of what is starred; PostgreSQL keeps text as SQLite does: of any length, sorted by code points."""
    connection.execute(text(TO_3.format(**_words(connection))))
    if connection.dialect.name == "postgresql":
        looked = inspect(connection)
        for table in looked.get_table_names():
            for column in looked.get_columns(table):
                if isinstance(column["type"], VARCHAR):
                    change = f'ALTER TABLE {table} ALTER COLUMN "{column["name"]}" TYPE TEXT COLLATE "C"'
                    connection.execute(text(change))
    connection.execute(text("UPDATE schema_version SET version = 3"))


def _words(connection: Connection) -> dict[str, str]:
    sqlite = connection.dialect.name == "sqlite"
    return {"false": "0", "true": "1"} if sqlite else {"false": "false", "true": "true"}


UPGRADES: Mapping[int, Callable[[Connection], None]] = {1: to_2, 2: to_3}
"""By the version they start from."""
