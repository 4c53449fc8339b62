"""Which way media flows (RFC 3264 5.1, 6.1), always told from the view of the side that wrote it."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """The four direction attributes."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        """The attribute for the two flows."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        """Its side sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Its side receives."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> Direction:
        """The same flows seen from the other side."""
        return Direction.of(sends=self.receives, receives=self.sends)

    def within(self, limit: Direction) -> Direction:
        """Only the flows that both allow, both told from one side."""
        return Direction.of(sends=self.sends and limit.sends, receives=self.receives and limit.receives)
