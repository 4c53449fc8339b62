"""Search: one table of words, an index of the database's own over it, and the two conditions built from terms.

SQLite has an FTS5 table kept in step by triggers, PostgreSQL a GIN index over a tsvector. Both are told to split at
spaces only, so a word is what ``words.py`` says it is, and nothing in a search can be an operator of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Select,
    String,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from dubber_platform.store.companions import Note, SearchText
from dubber_platform.store.schema import DubPoint, Recording, Tag, User
from dubber_platform.store.words import number_words, said_words, words_of

Named = TypeVar("Named", User, DubPoint)

BATCH = 500
INDEXED_TERMS = 4
"""The longest terms of a search go to the index; the others are looked for in what it finds."""
UNSEARCHED_TAGS = ("recording-platform", "content-sha256")
UNSEARCHED_TAGS_BEGIN = "marks-"

READ = (
    Recording.id,
    Recording.user_id,
    Recording.dub_point_id,
    Recording.to,
    Recording.from_,
    Recording.to_label,
    Recording.from_label,
    Recording.channel,
    Recording.transfers,
    Recording.additional_parties,
    Recording.details,
    Recording.meta_tags,
)
"""What the words of a recording are made from."""

SQLITE = (
    """CREATE VIRTUAL TABLE recording_fts USING fts5(
    words, owner, place, content='recording_search', content_rowid='recording_id',
    tokenize='ascii', detail='none', columnsize=0, prefix='1 2 3')""",
    """CREATE TRIGGER recording_search_insert AFTER INSERT ON recording_search BEGIN
    INSERT INTO recording_fts(rowid, words, owner, place)
    VALUES (new.recording_id, new.words, new.owner, new.place); END""",
    """CREATE TRIGGER recording_search_delete AFTER DELETE ON recording_search BEGIN
    INSERT INTO recording_fts(recording_fts, rowid, words, owner, place)
    VALUES ('delete', old.recording_id, old.words, old.owner, old.place); END""",
    """CREATE TRIGGER recording_search_update AFTER UPDATE ON recording_search BEGIN
    INSERT INTO recording_fts(recording_fts, rowid, words, owner, place)
    VALUES ('delete', old.recording_id, old.words, old.owner, old.place);
    INSERT INTO recording_fts(rowid, words, owner, place)
    VALUES (new.recording_id, new.words, new.owner, new.place); END""",
    "INSERT INTO recording_fts(recording_fts) VALUES ('rebuild')",
)


def create_index(connection: Connection) -> None:
    """The database's own index over ``recording_search``, once; of many rows it is made quicker than row by row."""
    if connection.dialect.name == "sqlite":
        for statement in SQLITE:
            connection.exec_driver_sql(statement)
    else:
        vector = _vector().compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"CREATE INDEX recording_search_words ON recording_search USING gin (({vector}))")


def holds(terms: Iterable[str]) -> list[ColumnElement[bool]]:
    """Conditions on a row of ``recording_search``: each term begins one of its words. Terms hold no LIKE wildcards."""
    text = " " + SearchText.words + " " + SearchText.owner + " " + SearchText.place
    return [text.like(f"% {term}%") for term in terms]


def indexed(dialect: str, terms: Sequence[str]) -> Select[int]:
    """Ids of recordings the index finds for the longest of ``terms``; look again with ``holds``."""
    chosen = sorted(terms, key=len, reverse=True)[:INDEXED_TERMS]
    if dialect == "sqlite":
        found = table("recording_fts", column("rowid"))
        question = " AND ".join(f'"{term}"*' for term in chosen)
        return select(found.c.rowid).where(literal_column("recording_fts").op("MATCH")(question))
    question = " & ".join(f"'{term}':*" for term in chosen)
    return select(SearchText.recording_id).where(_vector().op("@@")(cast(literal(question, String), TSQUERY)))


def reindex(session: Session, recording_ids: Iterable[int]) -> None:
    """Write the words of these recordings anew, from what the session holds."""
    ids = list(dict.fromkeys(recording_ids))
    session.flush()
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        session.execute(delete(SearchText).where(SearchText.recording_id.in_(batch)))
        rows = _rows(session, batch)
        if rows:
            session.execute(insert(SearchText), rows)


def rename_user(session: Session, user: User) -> None:
    """The user's recordings are found by the new names from now on."""
    _of_owner(session, select(Recording.id).where(Recording.user_id == user.id), user)


def rename_dub_point(session: Session, dub_point: DubPoint) -> None:
    """The dub point's recordings are found by its new label and number from now on."""
    ids = select(Recording.id).where(Recording.dub_point_id == dub_point.id)
    session.flush()
    session.execute(update(SearchText).where(SearchText.recording_id.in_(ids)).values(place=_place(dub_point)))


def change_owner(session: Session, dub_point: DubPoint, user: User | None) -> None:
    """The dub point's recordings went to another user."""
    ids = select(Recording.id).where(Recording.dub_point_id == dub_point.id, Recording.user_id == (user and user.id))
    _of_owner(session, ids, user)


def forget_owner(session: Session, user_id: str) -> None:
    """The user's recordings are nobody's from now on; call it while they still are the user's."""
    _of_owner(session, select(Recording.id).where(Recording.user_id == user_id), None)


def _of_owner(session: Session, ids: Select[int], user: User | None) -> None:
    session.flush()
    session.execute(update(SearchText).where(SearchText.recording_id.in_(ids)).values(owner=_owner(user)))


def _vector() -> ColumnElement[object]:
    # constants, not parameters: only the same expression as the index's is answered from the index
    space, nothing = literal_column("' '", String), literal_column("''", String)
    text = SearchText.words + space + SearchText.owner + space + SearchText.place
    return func.array_to_tsvector(func.array_remove(func.string_to_array(text, space), nothing))


def _rows(session: Session, ids: Sequence[int]) -> list[dict[str, object]]:
    recordings = session.execute(select(*READ).where(Recording.id.in_(ids))).all()
    said: dict[int, list[str]] = {recording.id: [] for recording in recordings}
    for recording_id, tag in session.execute(select(Tag.recording_id, Tag.tag).where(Tag.recording_id.in_(ids))):
        said[recording_id].append(tag)
    for recording_id, text in session.execute(select(Note.recording_id, Note.text).where(Note.recording_id.in_(ids))):
        said[recording_id].append(text)
    users = _by_id(session, User, {row.user_id for row in recordings if row.user_id})
    dub_points = _by_id(session, DubPoint, {row.dub_point_id for row in recordings if row.dub_point_id})
    owners = {user_id: _owner(user) for user_id, user in users.items()}
    places = {dub_point_id: _place(dub_point) for dub_point_id, dub_point in dub_points.items()}
    return [
        {
            "recording_id": row.id,
            "words": " ".join(_words(row, said[row.id])),
            "owner": owners.get(row.user_id, ""),
            "place": places.get(row.dub_point_id, ""),
        }
        for row in recordings
    ]


def _by_id(session: Session, kind: type[Named], ids: set[str]) -> dict[str, Named]:
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(ids)))}


def _words(row: Any, said: Iterable[str]) -> list[str]:
    parties = [party for party in (*row.transfers, *row.additional_parties) if isinstance(party, dict)]
    numbers = [row.to, row.from_, *(str(party.get("number", "")) for party in parties)]
    texts = [row.to_label, row.from_label, row.channel, *(str(party.get("label", "")) for party in parties), *said]
    texts += [str(value) for value in row.details.values()]
    texts += [str(value) for name, value in row.meta_tags.items() if searched(name)]
    return list(dict.fromkeys([*(word for number in numbers for word in number_words(number)), *said_words(texts)]))


def searched(tag: str) -> bool:
    """Whether search looks at this meta tag: not at what all recordings share, nor at what only programs read."""
    return tag not in UNSEARCHED_TAGS and not tag.startswith(UNSEARCHED_TAGS_BEGIN)


def _owner(user: User | None) -> str:
    return " ".join(words_of([user.first_name, user.last_name, user.username])) if user else ""


def _place(dub_point: DubPoint | None) -> str:
    return " ".join([*words_of([dub_point.label]), *number_words(dub_point.number)]) if dub_point else ""
