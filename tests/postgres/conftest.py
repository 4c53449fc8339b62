"""The PostgreSQL server for this room."""

from __future__ import annotations

import pytest

from tests.support.postgresql import PostgresServer


@pytest.fixture
def url(postgresql: PostgresServer) -> str:
    """Address of a database without tables."""
    return postgresql.new_database()
