"""Asking the platform whether it knows a group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient, group_path
from dubber_uploader.planner import Meaning

_GROUP_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REFUSALS: Final = frozenset({Meaning.BAD_CREDENTIALS, Meaning.FORBIDDEN, Meaning.TOKEN_REFUSED})


class GroupStanding(StrEnum):
    """What the platform says about a group id."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCheck:
    """The answer."""

    standing: GroupStanding
    name: str = ""
    """The group's, when it is known."""
    problem: str = ""
    """One sentence when it is not."""


async def check_group(client: DubberClient, group_id: str) -> GroupCheck:
    """Ask for a group; whatever happens comes back as a value. What cannot be an id is not asked for."""
    if _GROUP_ID.fullmatch(group_id) is None:
        return _unknown()
    try:
        try:
            name = await client.get_group_name(group_path(group_id))
        except AttemptError as error:
            if error.outcome.meaning is not Meaning.TOKEN_REFUSED:
                raise
            await client.refresh_token()
            name = await client.get_group_name(group_path(group_id))
    except AttemptError as error:
        return _refusal(error)
    return GroupCheck(standing=GroupStanding.KNOWN, name=name)


def _refusal(error: AttemptError) -> GroupCheck:
    if error.status == HTTPStatus.NOT_FOUND:
        return _unknown()
    detail = error.outcome.detail or error.outcome.meaning.value
    if error.outcome.meaning in _REFUSALS or error.outcome.meaning is Meaning.REJECTED:
        return GroupCheck(
            standing=GroupStanding.REFUSED, problem=f"Dubber does not let us ask for this group: {detail}"
        )
    return GroupCheck(standing=GroupStanding.UNREACHABLE, problem=f"Dubber gave no usable answer: {detail}")


def _unknown() -> GroupCheck:
    return GroupCheck(standing=GroupStanding.UNKNOWN, problem="Dubber knows no group with this id")
