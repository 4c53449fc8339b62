"""``/api/v1``: live calls and the stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientResponse

from callmodel.manifest import Party
from catalog import CallEvent, CallRecord
from tests.support.portals import NOW, PEOPLE, WebSide
from tests.unit.portals.conftest import Http

NINA, ALAN, PAULA, OLGA, URSULA = PEOPLE
AT = "2026-03-04T10:00:00.000Z"


async def test_a_live_call_is_told_with_its_recordings(side: WebSide, http: Http) -> None:
    """Who is a user, and where each recording stands."""
    side.exchange.put_call("c-1", "+33155512345", OLGA)
    assert await http("GET", "/api/v1/calls") == {
        "items": [
            {
                "call_id": "c-1",
                "caller": {"number": "+33155512345", "label": "", "user": False},
                "callee": {"number": "1003", "label": "Olga Demand", "user": True},
                "invited_at": AT,
                "answered_at": AT,
                "recordings": [
                    {
                        "user": "1003",
                        "phase": "provisional",
                        "mode": "On Demand",
                        "recording_id": "rec-1003",
                        "since": AT,
                    }
                ],
            }
        ]
    }


async def test_a_recording_is_steered_and_a_call_ended(side: WebSide, http: Http) -> None:
    """The answer is the call as it is then; what is not allowed is 409, what is not there 404."""
    side.exchange.put_call("c-1", OLGA, "9002")
    steer = "/api/v1/calls/c-1/steer"
    told = await http("POST", steer, json={"user": "1003", "command": "start"})
    assert told["recordings"][0]["phase"] == "recording"
    await http("POST", steer, 409, json={"user": "1003", "command": "stop"})
    await http("POST", steer, 404, json={"user": "1001", "command": "start"})
    problem = await http("POST", steer, 400, json={"user": "1003", "command": "rewind"})
    assert [error["field"] for error in problem["errors"]] == ["command"]
    await http("DELETE", "/api/v1/calls/c-1", 204)
    await http("DELETE", "/api/v1/calls/c-1", 404)
    await http("GET", "/api/v1/calls/c-1", 404)


async def test_what_happened_in_a_call_is_told_after_it(side: WebSide, http: Http) -> None:
    """In order."""
    call = CallRecord(
        call_id="c-9",
        external_tracking_id="t",
        caller=Party(number="1001"),
        callee=Party(number="9002"),
        started_at=NOW,
    )
    side.catalog.calls.put_with_events([(call, [CallEvent(at=NOW, kind="call.answered", data={"by": "9002"})])])
    told = await http("GET", "/api/v1/calls/c-9/events")
    assert told == {"items": [{"at": AT, "kind": "call.answered", "data": {"by": "9002"}}]}
    await http("GET", "/api/v1/calls/c-8/events", 404)


@asynccontextmanager
async def stream(http: Http, last: str = "") -> AsyncIterator[ClientResponse]:
    """An open stream of events, past its first block."""
    headers = {"Authorization": f"Bearer {http.token}", **({"Last-Event-ID": last} if last else {})}
    async with http.client.get("/api/v1/events", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await block(response) == {"retry": "2000"}
        yield response


async def block(response: ClientResponse) -> dict[str, str]:
    """One block of a stream; comments have no name."""
    lines = (await response.content.readuntil(b"\n\n")).decode().strip().splitlines()
    return {name: value.removeprefix(" ") for name, _, value in (line.partition(":") for line in lines)}


async def test_events_are_told_as_they_happen(side: WebSide, http: Http) -> None:
    """Each with an id; a silent stream has comments."""
    async with stream(http) as response:
        side.exchange.tell("c-1", "recording.steered", command="pause")
        event = await block(response)
        assert event["event"] == "recording.steered"
        assert json.loads(event["data"]) == {
            "call_id": "c-1",
            "at": AT,
            "kind": "recording.steered",
            "data": {"command": "pause"},
        }
        assert await block(response) == {"": "here"}


async def test_who_comes_back_gets_what_it_missed(side: WebSide, http: Http) -> None:
    """Or is told that some are lost: three are kept."""
    async with stream(http) as response:
        side.exchange.tell("c-1", "first")
        last = (await block(response))["id"]
    side.exchange.tell("c-1", "second")
    side.exchange.tell("c-1", "third")
    async with stream(http, last) as response:
        assert [(await block(response))["event"] for _ in range(2)] == ["second", "third"]
    for number in range(4):
        side.exchange.tell("c-1", f"more-{number}")
    async with stream(http, last) as response:
        assert [(await block(response))["event"] for _ in range(3)] == ["lost", "more-1", "more-2"]


async def test_an_id_of_another_run_or_nonsense_is_taken_as_lost(http: Http) -> None:
    """And the stream goes on from now."""
    for last in ("deadbeef-4", "nonsense", "-", "9" * 400):
        async with stream(http, last) as response:
            assert (await block(response))["event"] == "lost"


async def test_nobody_listens_when_the_application_has_ended(side: WebSide, http: Http) -> None:
    """Open streams end with it."""
    assert side.exchange.listeners == 1
    async with stream(http) as response:
        await http.client.app.shutdown() if http.client.app else None
        assert await response.content.read() in (b"", b": here\n\n")
    await http.client.close()
    assert side.exchange.listeners == 0
