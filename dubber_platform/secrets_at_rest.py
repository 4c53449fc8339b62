"""How secrets are kept: tokens and client secrets as SHA-256, passwords as argon2id (people) or scrypt (programs)."""

from __future__ import annotations

import hashlib
import hmac

from webkit.passwords import verify_password

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1


def digest_token(token: str) -> str:
    """SHA-256 of a high-entropy secret; a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str, salt: bytes) -> str:
    """``scrypt$salt$hash``, hexadecimal: for passwords that were drawn by chance. People's are hashed by ``webkit``."""
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def password_matches(password: str, kept: str | None) -> bool:
    """Compare in constant time; with nothing kept the same work is done and the answer is no.

    Both forms are accepted, in the portal and for tokens.
    """
    if kept is not None and kept.startswith("$argon2"):
        return verify_password(kept, password)
    _, salt, known = kept.split("$") if kept else ("", "00" * 16, "")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), known)


def _scrypt(password: str, salt: bytes) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=32)
