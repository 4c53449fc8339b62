"""Where the carrier's pages and APIs are mounted on its HTTP port."""

from __future__ import annotations

from typing import Final

ADMIN: Final = "/admin"
WEBEX: Final = "/v1"
API: Final = "/api/v1"
