"""What every test room shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.databases import Databases
    from tests.support.postgresql import PostgresServer

settings.register_profile(
    "steady",
    deadline=None,  # a busy machine is no finding
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option of ours."""
    told = "stores that tests open lie on a PostgreSQL server that is started for them, instead of in memory"
    parser.addoption("--postgresql", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """A run on PostgreSQL is the second one of its tests: fewer examples do."""
    if config.getoption("--postgresql"):
        settings.register_profile("second", settings.get_profile("steady"), max_examples=40)
        settings.load_profile("second")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started once."""
    from tests.support.postgresql import postgres_server

    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where the stores of this run lie."""
    from tests.support.databases import Databases

    wanted = request.config.getoption("--postgresql")
    return Databases(request.getfixturevalue("postgresql") if wanted else None)
