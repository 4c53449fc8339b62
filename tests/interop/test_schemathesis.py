"""schemathesis, which nobody here wrote, reads our OpenAPI description and tries the real applications against it.

The same examples each time: seed and number are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from portals import api, webex
from portals.api.description import openapi
from portals.rest import Scope
from tests.support.portals import WebSide, make_web_side, serving

pytestmark = pytest.mark.interop

SCHEMA = schemathesis.openapi.from_dict(openapi()).exclude(path="/api/v1/events")
"""A stream of events never ends; it has tests of its own."""


@schemathesis.serializer("audio/wav", "audio/x-wav", "audio/flac", "audio/mpeg")
def sound(_context: schemathesis.SerializationContext, value: object) -> bytes:
    """Whatever comes to its mind, as a sound file."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSide]:
    """Five users, one of each mode."""
    one = make_web_side(tmp_path_factory.mktemp("described"))
    yield one
    one.catalog.close()


@pytest.fixture(scope="module")
def base(side: WebSide) -> Iterator[str]:
    """Both APIs where the product has them."""

    def make() -> web.Application:
        app = web.Application()
        app.add_subapp("/v1", webex.application(side.services))
        app.add_subapp("/api/v1", api.application(side.services))
        return app

    with serving(make) as url:
        yield url


@pytest.fixture(scope="module")
def token(side: WebSide) -> str:
    """Of somebody who may do everything."""
    return side.token(*Scope)


@SCHEMA.parametrize()
@settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_is_as_it_is_described(case: schemathesis.Case, base: str, token: str) -> None:
    """No fault of ours, no status, type or body that is not described, nothing without a token."""
    # what a schema cannot say (a cursor made by this server, a user with a mailbox) is refused with 400
    unsayable = [positive_data_acceptance]
    case.call_and_validate(base_url=base, headers={"Authorization": f"Bearer {token}"}, excluded_checks=unsayable)
