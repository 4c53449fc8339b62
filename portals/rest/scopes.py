"""What a bearer token may do. The ``spark`` names are the platform's own, the ``mediaserver`` ones are ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """Every scope a token can have."""

    PEOPLE_READ = "spark-admin:people_read"
    PEOPLE_WRITE = "spark-admin:people_write"
    CONFIG_READ = "spark-admin:telephony_config_read"
    CONFIG_WRITE = "spark-admin:telephony_config_write"
    ALL_RECORDINGS_READ = "spark-admin:recordings_read"
    OWN_PERSON_READ = "spark:people_read"
    OWN_CONFIG_READ = "spark:telephony_config_read"
    CALLS_READ = "spark:calls_read"
    CALLS_WRITE = "spark:calls_write"
    RECORDINGS_READ = "spark:recordings_read"
    READ = "mediaserver:read"
    WRITE = "mediaserver:write"


USER_SCOPES: Final = frozenset(scope for scope in Scope if scope.startswith("spark:"))
"""Those a token that is bound to one user can have."""

MEANINGS: Final[dict[Scope, str]] = {
    Scope.PEOPLE_READ: "List everybody, read their call recording settings",
    Scope.PEOPLE_WRITE: "Change anybody’s call recording settings",
    Scope.CONFIG_READ: "Read the organisation’s settings",
    Scope.CONFIG_WRITE: "Change the organisation’s settings",
    Scope.ALL_RECORDINGS_READ: "List everybody’s recordings",
    Scope.OWN_PERSON_READ: "Read one’s own entry",
    Scope.OWN_CONFIG_READ: "Read one’s own settings",
    Scope.CALLS_READ: "List live calls",
    Scope.CALLS_WRITE: "Start, stop, pause, resume recordings; hang up",
    Scope.RECORDINGS_READ: "List one’s own recordings and fetch them",
    Scope.READ: "Read everything of this product’s own API",
    Scope.WRITE: "Change everything of this product’s own API",
}
