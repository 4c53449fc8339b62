"""Errors of the rooms below, as refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from callmodel.codes import CodeError
from callmodel.errors import Blame, MediaServerError
from catalog import UnknownSubscriberError, UsersFileError
from catalog.service_settings import SettingError
from portals.ports import GroupOutcome
from portals.rest.errors import RestError, refuse
from portals.saving import GroupNotUsableError
from prompts import UploadError

_GROUP_STATUS = {GroupOutcome.UNKNOWN: 409, GroupOutcome.UNREACHABLE: 503, GroupOutcome.REFUSED: 502}


def as_refusal(error: MediaServerError) -> RestError:
    """What the caller can mend is told in the error's own words; a fault of ours is not told outside."""
    match error:
        case UnknownSubscriberError():
            return refuse(404, str(error))
        case UsersFileError():
            return refuse(400, str(error), field=error.column or "")
        case CodeError():
            return refuse(400, str(error), field=f"codes.{error.field}")
        case SettingError():
            return refuse(400, str(error), field=error.field)
        case UploadError():
            return refuse(400, str(error))
        case GroupNotUsableError():
            return refuse(_GROUP_STATUS[error.check.outcome], str(error), field="group_id")
    if error.blame is Blame.USER:
        return refuse(409, str(error))
    return refuse(500, "something went wrong on the server")


@contextmanager
def told_by_field() -> Iterator[None]:
    """Around a save: a ValueError of the catalogue (``field: what is wrong``) is a refusal that names the field."""
    try:
        yield
    except ValueError as error:
        field, colon, message = str(error).partition(": ")
        named = bool(colon) and field.isidentifier()
        raise refuse(400, message if named else str(error), field=field if named else "") from error
