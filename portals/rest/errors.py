"""A refusal, before it has a form on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

MOST_PROBLEMS = 20
"""Of one request; the rest is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field; ``field`` is its path with dots, empty for the request as a whole."""

    field: str
    message: str


class RestError(Exception):
    """Ends a request with this status; each API writes it in its own form."""

    def __init__(
        self,
        status: int,
        *problems: FieldProblem,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, *problems)
        self.status = status
        self.problems = problems
        self.extra = dict(extra or {})
        """Members of the error's body beside the usual ones."""
        self.headers = dict(headers or {})


def refuse(status: int, message: str, *, field: str = "", extra: Mapping[str, Any] | None = None) -> RestError:
    """A refusal for one reason."""
    return RestError(status, FieldProblem(field=field, message=message), extra=extra)


def invalid(error: ValidationError, *, where: str = "") -> RestError:
    """400 with every field that was found wrong; never repeats what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return RestError(400, *(_problem(item, where) for item in found[:MOST_PROBLEMS]))


def _problem(item: Any, where: str) -> FieldProblem:
    # parts in brackets are the validator's own names for the branches of a union
    parts = [str(part) for part in item["loc"] if not str(part).startswith(("function-", "tagged-"))]
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "there is no such field here"
    return FieldProblem(field=".".join([where, *parts] if where else parts)[:128], message=message[:300])
