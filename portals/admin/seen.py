"""Two people at one user, or one person in two tabs: whoever saves second does not undo unseen what was done."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from callmodel.subscriber import Subscriber
from webkit.forms import Form

FIELD: Final = "seen"
"""Of a form: which state of the user its page has shown."""


class ChangedMeanwhileError(Exception):
    """The user is not any more as the page had shown it; nothing was changed."""


def seen(user: Subscriber) -> str:
    """Names this state of a user."""
    return sha256(repr(user).encode()).hexdigest()[:16]


def unless_changed(form: Form, apply: Callable[[Subscriber], Subscriber]) -> Callable[[Subscriber], Subscriber]:
    """The same change, but ChangedMeanwhileError when it would be made to another state than the form's page had shown.

    A form that was sent twice has nothing left to change the second time, and passes.
    """

    def applied(before: Subscriber) -> Subscriber:
        after = apply(before)
        if after != before and form.sent(FIELD) not in ("", seen(before)):
            raise ChangedMeanwhileError
        return after

    return applied
