"""Bases of everything that goes over ``/api/v1``: names as the users' file and the configuration have them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


class In(BaseModel):
    """A body that comes in: no text for a number, no field that nobody knows."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QueryIn(BaseModel):
    """A query string: everything is text there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """A body that goes out; what is None is left out. ``model_validate`` makes it from a value with the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def instant(at: datetime) -> str:
    """UTC, with Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]

NUMBER: Final = r"^[0-9a-z+\-_.]{1,32}$"
Number = Annotated[str, Field(pattern=NUMBER, description="What others dial: 1 to 32 of 0-9 a-z + - _ .")]
Name = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
"""Whatever prints; the catalogue is stricter about a few exotic spaces."""
