"""Who acts, as the audit log writes it down."""

from __future__ import annotations

from catalog.audit import Actor
from webkit.visit import Visit


def actor_of(visit: Visit) -> Actor:
    """The user who is signed in, and where from."""
    return Actor(name=visit.who.user, address=visit.address)
