"""What is asked of each database: the same words, in its own form, as values and never as SQL."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from dubber_platform.store import search
from dubber_platform.store.companions import SearchText
from dubber_platform.store.words import terms_of
from tests.support.library import Library

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has not typed its constructor
SQLITE = sqlite.dialect()  # type: ignore[no-untyped-call]  # as above
VECTOR = (
    "array_to_tsvector(array_remove(string_to_array(recording_search.words || ' ' || recording_search.owner || ' ' ||"
    " recording_search.place, ' '), ''))"
)


def flat(statement: object) -> str:
    """On one line."""
    return re.sub(r"\s+", " ", str(statement))


def test_postgresql_is_asked_by_its_text_search() -> None:
    """The expression of the index, and a query of quoted prefixes as a value."""
    asked = search.indexed("postgresql", ("zoe", "martin")).compile(dialect=POSTGRESQL)
    assert flat(asked) == (
        "SELECT recording_search.recording_id FROM recording_search WHERE"
        f" {VECTOR} @@ CAST(%(param_1)s::VARCHAR AS TSQUERY)"
    )
    assert asked.params == {"param_1": "'martin':* & 'zoe':*"}


def test_sqlite_is_asked_by_fts5() -> None:
    """The four longest terms; the rest is looked for in what they find."""
    asked = search.indexed("sqlite", ("a", "zoe", "martin", "vip", "sales")).compile(dialect=SQLITE)
    assert flat(asked) == "SELECT recording_fts.rowid FROM recording_fts WHERE recording_fts MATCH ?"
    assert list(asked.params.values()) == ['"martin"* AND "sales"* AND "zoe"* AND "vip"*']


def test_both_look_again_with_like() -> None:
    """Each term begins a word."""
    statement = select(SearchText.recording_id).where(*search.holds(["zoe"]))
    asked = {dialect.name: statement.compile(dialect=dialect) for dialect in (POSTGRESQL, SQLITE)}
    assert {name: list(one.params.values()) for name, one in asked.items()} == {
        "postgresql": [" ", " ", " ", "% zoe%"],
        "sqlite": [" ", " ", " ", "% zoe%"],
    }


def test_the_tables_can_be_made_by_postgresql() -> None:
    """With an identifier of its own only where it makes one."""
    made = flat(CreateTable(SearchText.__table__).compile(dialect=POSTGRESQL))  # type: ignore[arg-type]  # it is a Table
    assert made.strip().startswith("CREATE TABLE recording_search ( recording_id BIGINT NOT NULL, words TEXT NOT NULL")


@given(st.text(), st.text(st.sampled_from("\"'*:&|!()<->ab \\"), max_size=30))
def test_no_search_can_be_an_operator(anything: str, operators: str) -> None:
    """Every question has the form of quoted prefixes."""
    for text in (anything, operators):
        terms = terms_of(text)
        if terms:
            (to_sqlite,) = search.indexed("sqlite", terms).compile(dialect=SQLITE).params.values()
            (to_postgresql,) = search.indexed("postgresql", terms).compile(dialect=POSTGRESQL).params.values()
            assert re.fullmatch(r'"[^\W_]+"\*( AND "[^\W_]+"\*){0,3}', to_sqlite)
            assert re.fullmatch(r"'[^\W_]+':\*( & '[^\W_]+':\*){0,3}", to_postgresql)


def test_the_index_says_what_the_table_says(library: Library) -> None:
    """After inserts, updates and deletions SQLite finds nothing amiss."""
    session: Session = library.session
    library.user("ann")
    calls = [library.call("ann", to_label=f"label {number}", tags=("x",)) for number in range(5)]
    search.reindex(session, calls[:3])
    session.execute(SearchText.__table__.delete().where(SearchText.recording_id == calls[0]))  # type: ignore[attr-defined]
    connection = session.connection()
    connection.exec_driver_sql("INSERT INTO recording_fts(recording_fts, rank) VALUES ('integrity-check', 1)")
    found = session.scalars(search.indexed("sqlite", ("label",))).all()
    assert sorted(found) == calls[1:]
