"""The dashboard counts what one may see, and draws its days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dubber_platform.portal.bars import Bar, chart_of
from dubber_platform.store.dashboard import Day
from tests.support.dubber import START
from tests.support.dubber_portal import ADMIN, ANN, BOB, PortalBench


async def world(portal: PortalBench) -> None:
    """Two calls and a voicemail that belong to somebody, and one that waits."""
    await portal.call(starred=True, duration=3600, start_time=START)
    await portal.call(recording_type="voicemail", tags=("vip",), start_time=START)
    await portal.call("bob", status="Do Not Record", size=None, start_time=START - timedelta(days=3))
    await portal.call(None)


@pytest.mark.parametrize(
    ("username", "shown"),
    [
        (
            ADMIN,
            "Recorded calls 2 today: 2 Voicemails 1 Most important 1 starred Tagged calls 1 Total duration 1:02:10 "
            "hours, minutes, seconds Storage 2.0 MB 1 without audio: do not record People 4 2 dub.points "
            "Unidentified 1 waiting for a user",
        ),
        (
            BOB,
            "Recorded calls 1 today: 0 Voicemails 0 Most important 0 starred Tagged calls 0 Total duration 1:05 "
            "minutes, seconds Storage 0 bytes 1 without audio: do not record",
        ),
    ],
    ids=("administrator", "user"),
)
async def test_numbers_are_of_what_one_may_see(portal: PortalBench, username: str, shown: str) -> None:
    await world(portal)
    assert shown in (await (await portal.browser(username)).get("/")).plain()


async def test_what_waits_is_told_to_who_can_move_it(portal: PortalBench) -> None:
    await world(portal)
    said = "Unidentified recordings are waiting"
    assert said in (await (await portal.browser(ADMIN)).get("/")).plain()
    assert said not in (await (await portal.browser(ANN)).get("/")).plain()


async def test_the_last_five_are_there_and_the_days_are_bars(portal: PortalBench) -> None:
    for _ in range(7):
        await portal.call(start_time=START - timedelta(days=2))
    seen = await (await portal.browser(ANN)).get("/")
    assert len(seen.rows()) == 5
    assert seen.text.count('<rect class="bar"') == 14
    assert "busiest day: 7 recordings" in seen.plain()


async def test_an_empty_dashboard_says_what_will_come(portal: PortalBench) -> None:
    plain = (await (await portal.browser(ADMIN)).get("/")).plain()
    for words in ("No recordings in these days.", "No recordings yet", "nothing waits"):
        assert words in plain


async def test_numbers_are_written_as_the_reader_writes_them(portal: PortalBench) -> None:
    await portal.call(size=1_234_000_000)
    assert "1,2 Go" in (await (await portal.browser(ANN, lang="fr")).get("/")).plain()


def test_bars_are_as_high_as_their_days_were_busy() -> None:
    days = [Day(start=START, recordings=count, duration_s=count) for count in (0, 1, 500, 1000)]
    chart = chart_of(days)
    assert [(bar.x, bar.y, bar.width, bar.height) for bar in chart.bars] == [
        (3, 120, 34, 0),
        (43, 118, 34, 2),
        (83, 60, 34, 60),
        (123, 0, 34, 120),
    ]
    assert (chart.width, chart.height, chart.most) == (160, 120, 1000)


def test_days_without_recordings_have_no_bars() -> None:
    chart = chart_of([Day(start=START, recordings=0, duration_s=0)])
    assert (chart.most, chart.bars) == (
        0,
        (Bar(day=START, recordings=0, duration_s=0, x=3, y=120, width=34, height=0),),
    )
