"""POST /token and /revoke."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dubber_platform.secrets_at_rest import hash_password, password_matches
from tests.support.dubber import Bench


async def profile_status(bench: Bench, token: str) -> tuple[int, Any]:
    """Status and error code of a call with ``token``."""
    answer = await bench.call("GET", "/profile", headers={"Authorization": f"Bearer {token}"})
    return answer.status, answer.body.get("code")


async def test_the_password_grant_gives_both_tokens(bench: Bench) -> None:
    """The whole answer, in Dubber's shape."""
    answer = await bench.sign_in(state="s1")
    access, refresh = answer.body.pop("access_token"), answer.body.pop("refresh_token")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.body == {
        "return_type": "json",
        "token_type": "bearer",
        "expires_in": 86400,
        "scope": None,
        "state": "s1",
        "uri": None,
        "extended": None,
    }
    assert len(access) == len(refresh) == 43
    assert await profile_status(bench, access) == (200, None)


async def test_an_access_token_lasts_24_hours(bench: Bench) -> None:
    """To the second."""
    bench.clock.advance(86399)
    assert await profile_status(bench, bench.token) == (200, None)
    bench.clock.advance(1)
    assert await profile_status(bench, bench.token) == (401, 1038)


async def test_a_refresh_token_is_good_once_and_for_28_days(bench: Bench) -> None:
    """It rotates: the old pair is gone with its use."""
    first = (await bench.sign_in()).body
    bench.clock.advance(28 * 86400 - 1)
    grant = {"grant_type": "refresh_token", "username": "", "password": ""}
    second = (await bench.sign_in(**grant, refresh_token=first["refresh_token"])).body
    assert await profile_status(bench, second["access_token"]) == (200, None)
    again = await bench.sign_in(**grant, refresh_token=first["refresh_token"])
    assert (again.status, again.body["error"]) == (400, "invalid_grant")
    bench.clock.advance(28 * 86400)
    late = await bench.sign_in(**grant, refresh_token=second["refresh_token"])
    assert (late.status, late.body["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_the_pair(bench: Bench, which: str) -> None:
    """By POST /revoke with token and client_id."""
    pair = (await bench.sign_in()).body
    form = {"token": pair[which], "client_id": bench.seed["client_id"]}
    answer = await bench.call("POST", "/revoke", data=form)
    assert (answer.status, answer.body) == (200, {})
    assert await profile_status(bench, pair["access_token"]) == (401, 1038)


@pytest.mark.parametrize(
    ("fields", "status", "error", "description", "code"),
    [
        ({"password": "wrong"}, 400, "invalid_grant", "Invalid credentials supplied", 1003),
        ({"username": "nobody@demo.example"}, 400, "invalid_grant", "Invalid credentials supplied", 1003),
        ({"client_secret": "wrong"}, 401, "invalid_client", "Invalid credentials supplied", 1003),
        ({"client_id": "wrong"}, 401, "invalid_client", "Invalid credentials supplied", 1003),
        ({"password": ""}, 400, "invalid_request", "password is missing or longer than 1024 characters", 2000),
        ({"password": "x" * 1025}, 400, "invalid_request", "password is missing or longer than 1024 characters", 2000),
        (
            {"grant_type": "implicit"},
            400,
            "unsupported_grant_type",
            "Invalid grant type; use one of password, refresh_token",
            6001,
        ),
    ],
)
async def test_a_refusal_is_in_oauths_form(
    bench: Bench, fields: dict[str, str], status: int, error: str, description: str, code: int
) -> None:
    """error, error_description and a link to the error dictionary."""
    answer = await bench.sign_in(**fields)
    url = f"https://developer.dubber.net/docs/read/common_details/API_Error_Dictionary#{code}"
    assert (answer.status, answer.body) == (
        status,
        {"error": error, "error_description": description, "error_url": url},
    )


async def test_the_token_end_point_wants_a_form(bench: Bench) -> None:
    """JSON is no form."""
    answer = await bench.call("POST", "/token", json={"grant_type": "password"})
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


async def test_a_field_given_twice_is_refused(bench: Bench) -> None:
    """Which of the two would count?"""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await bench.call("POST", "/token", data="grant_type=password&grant_type=password", headers=headers)
    assert (answer.status, answer.body["error_description"]) == (400, "A field is given twice")


async def test_a_call_without_a_token_is_refused(bench: Bench) -> None:
    """401 and 1038, in the API's form."""
    answer = await bench.call("GET", "/profile", headers={"Authorization": "Basic eA=="})
    more = "https://developer.dubber.net/docs/read/common_details/API_Error_Dictionary#1038"
    assert (answer.status, answer.body, answer.headers["WWW-Authenticate"]) == (
        401,
        {"status": 401, "message": "Invalid or expired access token", "code": 1038, "more_info": more},
        'Bearer error="invalid_token"',
    )


async def test_no_secret_is_in_the_database(bench: Bench, tmp_path: Path) -> None:
    """Neither tokens nor the client's secret nor the password, in any of its files."""
    pair = (await bench.sign_in()).body
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("platform.sqlite*"))
    secrets = (pair["access_token"], pair["refresh_token"], bench.seed["client_secret"], bench.seed["password"])
    assert bench.seed["client_id"].encode() in stored
    assert [secret for secret in secrets if secret.encode() in stored] == []


def test_a_password_matches_its_own_hash_only() -> None:
    """And nothing matches when none was set."""
    kept = hash_password("correct", b"salt")
    assert [password_matches(text, kept) for text in ("correct", "wrong", "")] == [True, False, False]
    assert not password_matches("", None)
