"""Bases of everything that goes over ``/v1``: camel case, nothing that is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


class In(BaseModel):
    """A body that comes in: no text for a number, no field that nobody knows."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class QueryIn(BaseModel):
    """A query string: everything is text there."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    org_id: str | None = None
    """Of a partner's customer; there is one organisation here."""


class Out(BaseModel):
    """A body that goes out; what is None is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def instant(at: datetime) -> str:
    """As the API writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
