"""Numbers that are not to be recorded: one's own list, and others' for administrators."""

from __future__ import annotations

import re

import pytest

from tests.support.dubber_portal import ANN, BOSS, PortalBench

LISTS = [(ANN, "/do-not-record"), (BOSS, "/people/ann/do-not-record")]


@pytest.mark.parametrize(("username", "path"), LISTS, ids=["own", "of a user"])
async def test_a_number_is_added_with_its_reason_and_removed(portal: PortalBench, username: str, path: str) -> None:
    browser = await portal.browser(username)
    seen = await browser.post(path, ("number", "+33 6 12 34 56 78"), ("reason", "Her doctor"))
    assert (seen.path, seen.notices()) == (
        f"/app{path}",
        ["Calls with +33 6 12 34 56 78 keep no audio from now on."],
    )
    assert len(seen.rows()) == 1
    assert seen.rows()[0].startswith("+33 6 12 34 56 78 Her doctor")
    (entry,) = re.findall(rf'action="/app{path}/(\w+)/delete"', seen.text)
    gone = await browser.post(f"{path}/{entry}/delete")
    assert gone.notices() == ["Calls with this number are kept again from now on."]
    assert (gone.rows(), (await browser.post(f"{path}/{entry}/delete")).status) == ([], 404)


@pytest.mark.parametrize(("username", "path"), LISTS, ids=["own", "of a user"])
async def test_what_is_blank_wrong_or_there_already_is_named(portal: PortalBench, username: str, path: str) -> None:
    browser = await portal.browser(username)
    await browser.post(path, ("number", "+33612345678"), ("reason", "x"))

    async def problems(number: str, reason: str) -> dict[str, str]:
        seen = await browser.post(path, ("number", number), ("reason", reason))
        assert seen.status == 422
        return dict(re.findall(r'id="e-(\w+)">.*?<span>(.*?)</span>', seen.text, re.DOTALL))

    assert await problems("", "") == {"number": "This field is needed.", "reason": "This field is needed."}
    assert await problems("0033 612-345-678", "x") == {"number": "This exists already."}
    assert await problems("---", "x") == {"number": "This does not have the right form."}
    assert await problems("1" * 51, "x" * 256) == {
        "number": "At most 50 characters; these are 51.",
        "reason": "At most 255 characters; these are 256.",
    }


async def test_both_ways_show_the_same_list_and_nobody_elses(portal: PortalBench) -> None:
    ann, boss = await portal.browser(ANN), await portal.browser(BOSS)
    added = await boss.post("/people/ann/do-not-record", ("number", "117"), ("reason", "Police"))
    (entry,) = re.findall(r"/do-not-record/(\w+)/delete", added.text)
    assert len((await ann.get("/do-not-record")).rows()) == 1
    assert (await boss.get("/do-not-record")).rows() == []
    assert (await boss.post(f"/people/bob/do-not-record/{entry}/delete")).status == 404
    assert (await boss.post(f"/do-not-record/{entry}/delete")).status == 404
