"""Where ids come from in production."""

from __future__ import annotations

import secrets


class SecureIds:
    """Tokens from the operating system's random source."""

    def token(self, bits: int = 64) -> str:
        """``bits`` of chance as lower-case hexadecimal."""
        return secrets.token_hex((bits + 7) // 8)
