"""Passwords of people: argon2id, and no way to tell by the time it takes whether a user exists."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""RFC 9106's second recommendation is 64 MiB; these are OWASP's figures for servers that do other work besides."""


def hash_password(password: str) -> str:
    """An argon2id hash in its usual text form; takes some 50 ms, so call it off the event loop."""
    return _hasher.hash(password)


def verify_password(known: str | None, password: str) -> bool:
    """Whether a password is the right one; as slow for nobody (None) as for somebody."""
    try:
        return _hasher.verify(_nobody() if known is None else known, password[:MAX_LENGTH]) and known is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
