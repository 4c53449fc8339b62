"""What can go wrong with the catalogue."""

from __future__ import annotations

from callmodel.errors import Blame, MediaServerError


class CatalogError(MediaServerError):
    """The catalogue could not be opened, or was asked for something it cannot do."""

    reason = "catalog"


class UnknownSubscriberError(CatalogError):
    """No subscriber has this number."""

    blame = Blame.USER
    reason = "unknown-subscriber"


class UsersFileError(CatalogError):
    """A file of users that cannot be imported; nothing of it was applied."""

    blame = Blame.USER
    reason = "users-file"

    def __init__(self, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        place = ", ".join(part for part in (f"row {row}" if row else "", f"column {column}" if column else "") if part)
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        self.row = row
        """Line of the file, the first being 1."""
        self.column = column


class EnablingError(CatalogError):
    """Call recording of a user cannot be switched on yet."""

    blame = Blame.USER
    reason = "enabling"


class GroupIdMissing(EnablingError):
    """Call recording is not installed: no group id is set."""

    reason = "group-id-missing"

    def __init__(self) -> None:
        super().__init__("call recording is not installed: the Group ID that Dubber issued is not set yet")


class TermsNotAccepted(EnablingError):
    """Dubber's terms of service were not accepted."""

    reason = "terms-not-accepted"

    def __init__(self) -> None:
        super().__init__("the terms of service of the recording vendor, Dubber, are not accepted yet")
