"""Instants as they come in: ISO 8601 with a zone, and nothing that only looks like a number."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_NUMBER = re.compile(r"[+-]?[0-9.]+")


def _no_number(value: Any) -> Any:
    # pydantic takes digits for seconds since 1970; a date that was cut short would become such an instant
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        raise ValueError("must be an instant of ISO 8601 with a zone, such as 2026-03-04T10:00:00Z")
    return value


InstantIn = Annotated[AwareDatetime, BeforeValidator(_no_number)]
