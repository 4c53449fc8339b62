"""What the registrar needs instead of a password: HA1 for both digest algorithms (RFC 7616 3.4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import md5, sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Hashes of ``user:realm:password``, hexadecimal. They open this realm's door: kept out of ``repr``."""

    realm: str
    ha1_md5: str = field(repr=False)
    ha1_sha256: str = field(repr=False)


def make_credentials(number: str, realm: str, password: str) -> Credentials:
    """Credentials of one user for one realm."""
    joined = f"{number}:{realm}:{password}".encode()
    return Credentials(
        realm=realm,
        # MD5 is what most phones can do; the protocol asks for it, nothing here relies on its strength.
        ha1_md5=md5(joined, usedforsecurity=False).hexdigest(),
        ha1_sha256=sha256(joined).hexdigest(),
    )
