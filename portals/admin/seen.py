"""Two people at one user, or one person in two tabs: whoever saves second does not undo unseen what was done."""

from __future__ import annotations

from collections.abc import Callable

from callmodel.subscriber import Subscriber
from webkit.forms import Form


class ChangedMeanwhileError(Exception):
    """The user is not any more as the page had shown it; nothing was changed."""


def unless_changed(form: Form, apply: Callable[[Subscriber], Subscriber]) -> Callable[[Subscriber], Subscriber]:
    """The same change, but ChangedMeanwhileError when ``form.overtakes`` the user as the transaction finds it."""

    def applied(before: Subscriber) -> Subscriber:
        after = apply(before)
        if form.overtakes(before, after):
            raise ChangedMeanwhileError
        return after

    return applied
