"""Dub points added by hand: every field named when it is blank or taken; what waited comes along; moved and removed."""

from __future__ import annotations

import re

import pytest

from tests.support.dubber_portal import ADMIN, BOSS, PortalBench

NEW = {
    "product": "reserved",
    "external_type": "BroadWorks",
    "service_provider": "ACME1",
    "external_group": "ACME1SITE",
    "external_identifier": "1003@carrier.example",
    "label": "",
    "number": "",
}
ADD = "/people/ann/dub-points/add"


def fields(**changes: str) -> list[tuple[str, str]]:
    """NEW with some fields changed."""
    return list((NEW | changes).items())


def problems(text: str) -> dict[str, str]:
    """Sentence by field."""
    return dict(re.findall(r'id="e-(\w+)">.*?<span>(.*?)</span>', text, re.DOTALL))


async def test_a_dub_point_is_added_as_the_article_says(portal: PortalBench) -> None:
    boss = await portal.browser(BOSS, lang="fr")
    start = await boss.get("/people/ann/dub-points")
    assert start.links("Ajouter un Dub Point") == ["/app" + ADD]
    form = await boss.get(ADD)
    labels = re.findall(r'<label for="f-(\w+)">([^<]*?) ?<', form.text)
    assert labels == [
        ("product", "Produit"),
        ("external_type", "Type externe"),
        ("service_provider", "Fournisseur de services"),
        ("external_group", "Groupe externe"),
        ("external_identifier", "Identifiant externe"),
        ("label", "Libellé"),
        ("number", "Numéro"),
    ]
    assert re.findall(r"<option[^>]*>(BroadWorks|AudioCodes|Cisco|Metaswitch)<", form.text) == [
        "BroadWorks",
        "AudioCodes",
        "Cisco",
        "Metaswitch",
    ]
    seen = await boss.post(ADD, *fields(external_identifier=" 1003@carrier.example ", number="1003"))
    assert (seen.status, seen.path) == (200, "/app/people/ann/dub-points")
    assert seen.notices() == ["Le dub.point est ajouté : les appels de cette ligne arrivent désormais ici."]
    assert "Identifiant externe 1003@carrier.example Numéro 1003 Enregistrements 0" in seen.plain()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"service_provider": "", "external_group": " ", "external_identifier": ""},
            dict.fromkeys(("service_provider", "external_group", "external_identifier"), "This field is needed."),
        ),
        ({"external_type": ""}, {"external_type": "Choose one of the list."}),
        ({"external_type": "Other"}, {"external_type": "Choose one of the list."}),
        ({"product": "gold"}, {"product": "Choose one of the list."}),
        (
            {"external_identifier": "1001@carrier.example"},
            {"external_identifier": "A dub.point with these four values exists already."},
        ),
        ({"external_identifier": "x" * 162}, {"external_identifier": "At most 161 characters; these are 162."}),
        ({"service_provider": "x" * 81}, {"service_provider": "At most 80 characters; these are 81."}),
        ({"label": "a\x00b"}, {"label": "Control characters cannot be used here."}),
        ({"number": "1" * 51}, {"number": "At most 50 characters; these are 51."}),
    ],
    ids=["blank", "no type", "unknown type", "product", "taken", "long", "long provider", "control", "number"],
)
async def test_what_is_blank_wrong_or_taken_is_named_at_its_field(
    portal: PortalBench, changes: dict[str, str], expected: dict[str, str]
) -> None:
    seen = await (await portal.browser(BOSS)).post(ADD, *fields(**changes))
    assert (seen.status, problems(seen.text)) == (422, expected)


async def test_what_waited_for_the_line_comes_along(portal: PortalBench) -> None:
    waiting = await portal.call(None)
    seen = await (await portal.browser(ADMIN)).post(ADD, *fields(external_identifier="1101@carrier.example"))
    assert seen.notices() == [
        "The dub.point is added: calls of this line arrive here from now on.",
        "1 recording that waited for this line came along.",
    ]
    assert await portal.column(waiting, "user_id") == "ann"


async def test_a_dub_point_moves_to_another_user_and_recordings_stay(portal: PortalBench) -> None:
    boss, recording_id = await portal.browser(BOSS), await portal.call("ann")
    path = "/people/ann/dub-points/point-ann/move"
    assert '<option value="bob@demo.example">Bob Baker</option>' in (await boss.get(path)).text
    for typed, problem in (("", "This field is needed."), ("x@x.fr", "There is no such user in this account.")):
        refused = await boss.post(path, ("to", typed))
        assert (refused.status, problems(refused.text)) == (422, {"to": problem})
    seen = await boss.post(path, ("to", "BOB@demo.example"))
    assert (seen.path, seen.notices()) == (
        "/app/people/bob/dub-points",
        ["Further calls of the line go to Bob Baker."],
    )
    assert "Desk 1001" in seen.plain()
    assert await portal.column(recording_id, "user_id") == "ann"


async def test_a_dub_point_is_removed_and_its_recordings_stay(portal: PortalBench) -> None:
    boss, recording_id = await portal.browser(BOSS), await portal.call("ann")
    seen = await boss.post("/people/ann/dub-points/point-ann/remove")
    assert seen.notices()[0] == "The dub.point is removed; its recordings stay."
    assert "No dub.points yet" in seen.plain()
    assert (await portal.column(recording_id, "user_id"), await portal.column(recording_id, "dub_point_id")) == (
        "ann",
        None,
    )


@pytest.mark.parametrize("point", ["point-bob", "point-nobody", "none"])
async def test_a_dub_point_is_reached_by_its_own_user_only(portal: PortalBench, point: str) -> None:
    admin, base = await portal.browser(ADMIN), f"/people/ann/dub-points/{point}"
    assert (await admin.get(f"{base}/move")).status == 404
    assert (await admin.post(f"{base}/move", ("to", "ann@demo.example"))).status == 404
    assert (await admin.post(f"{base}/remove")).status == 404
