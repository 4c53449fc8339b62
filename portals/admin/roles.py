"""Who may open what on the carrier's side."""

from __future__ import annotations

from typing import Final

from catalog import PortalRole

PROVIDER: Final = frozenset({PortalRole.PROVIDER.value})
ADMIN: Final = frozenset({PortalRole.PROVIDER.value, PortalRole.ADMINISTRATOR.value})
"""Administrators of the customer; the provider's may do all that they may."""
USER: Final = frozenset({PortalRole.USER.value})
EVERYONE: Final = ADMIN | USER
