"""Signed addresses: part uploads in the manner of S3's signature version 4, and listener links that expire."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dubber_platform.config import Chance

ALGORITHM = "AWS4-HMAC-SHA256"
SIGNED_HEADERS = "content-md5;host;x-amz-content-sha256;x-amz-date"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=platform/(\d{{8}})/([a-z0-9-]{{1,32}})/s3/aws4_request, ?"
    rf"SignedHeaders={SIGNED_HEADERS}, ?Signature=([0-9a-f]{{64}})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartClaim:
    """What a signature over one part upload promises: these bytes, at this address, from that moment on."""

    host: str
    """As in the ``Host`` header."""
    path: str
    date: str
    """``X-Amz-Date``: ``YYYYMMDDThhmmssZ``."""
    md5: str
    """``Content-MD5``: base64 of the 16 bytes."""
    sha256: str
    """``X-Amz-Content-Sha256``: lower-case hexadecimal."""


def parse_md5(text: str) -> bytes | None:
    """The 16 bytes of a ``Content-MD5`` (base64; 32 hexadecimal digits are understood too), or None."""
    try:
        digest = bytes.fromhex(text) if len(text) == 32 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return digest if len(digest) == 16 else None


def parse_amz_date(text: str) -> datetime | None:
    """The instant of an ``X-Amz-Date``, or None."""
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def format_amz_date(instant: datetime) -> str:
    """An instant as ``X-Amz-Date`` has it."""
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


class Signer:
    """Signs and checks with one key that never leaves the data directory."""

    def __init__(self, key: bytes, region: str) -> None:
        """``key`` is secret; ``region`` goes into the credential scope."""
        self._key = key
        self._region = region

    def part_authorization(self, claim: PartClaim) -> str:
        """The ``Authorization`` header for a part upload."""
        scope = f"platform/{claim.date[:8]}/{self._region}/s3/aws4_request"
        signature = self._part_signature(claim)
        return f"{ALGORITHM} Credential={scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"

    def part_allowed(self, claim: PartClaim, authorization: str) -> bool:
        """True when ``authorization`` was made by ``part_authorization`` for just this claim."""
        found = _AUTHORIZATION.fullmatch(authorization)
        if found is None or found[1] != claim.date[:8] or found[2] != self._region:
            return False
        return hmac.compare_digest(found[3], self._part_signature(claim))

    def link_signature(self, recording_id: int, listener: str, expires: int) -> str:
        """Signature of a link by which ``listener`` may fetch the audio until the Unix time ``expires``."""
        return self._sign("link", str(recording_id), listener, str(expires))

    def link_allowed(self, recording_id: int, listener: str, expires: int, signature: str) -> bool:
        """True when ``signature`` is that of ``link_signature``; says nothing of the time."""
        known = self.link_signature(recording_id, listener, expires)
        return hmac.compare_digest(known.encode(), signature.encode("utf-8", "surrogatepass"))

    def _part_signature(self, claim: PartClaim) -> str:
        return self._sign("PUT", claim.host.lower(), claim.path, claim.date, claim.md5, claim.sha256)

    def _sign(self, *fields: str) -> str:
        text = "\n".join(f"{len(field)}:{field}" for field in fields)
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def load_signing_key(data_dir: Path, ids: Chance) -> bytes:
    """The key of this data directory, made on first use with mode 0600."""
    path = data_dir / "signing.key"
    if not path.exists():
        draft = path.with_suffix(f".{ids.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(ids.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return path.read_bytes()


def expired(date: datetime, now: datetime, ttl_s: int) -> bool:
    """True when ``now`` is not in the ``ttl_s`` seconds from ``date`` on, with a minute of grace before."""
    return not date - timedelta(minutes=1) <= now < date + timedelta(seconds=ttl_s)
