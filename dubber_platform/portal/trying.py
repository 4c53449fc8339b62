"""Changes asked for by a form: what the store refuses becomes a sentence beside the field it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy.orm import Session

from dubber_platform.portal.site import ask
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.visibility import Viewer
from webkit.forms import Form
from webkit.i18n import Translator
from webkit.visit import Visit

T = TypeVar("T")


async def attempt(
    visit: Visit, form: Form, work: Callable[[Session, Viewer], T], fields: Mapping[str, str]
) -> T | None:
    """What ``work`` answers; None when the form is wrong, or becomes so because the store refuses one of its fields.

    ``fields``: the store's name of a field to the form's. A refusal of anything else is raised on (404, 403, 409).
    """
    if not form.ok:
        return None
    try:
        return await ask(visit, work)
    except RefusedError as error:
        if error.field not in fields:
            raise
        form.refuse(fields[error.field], sentence(visit.t, error))
        return None


def same(*names: str) -> dict[str, str]:
    """Fields that have the same name in the form and in the store."""
    return {name: name for name in names}


def sentence(t: Translator, error: RefusedError) -> str:
    """Why, to be read beside the field."""
    if error.why is Why.TOO_LONG:
        return t("At most %(limit)s characters are possible.", limit=error.limit)
    if error.why is Why.TOO_MANY:
        return t("There are %(limit)s already; more are not possible.", limit=error.limit)
    if error.why is Why.MALFORMED and error.field == "username":
        return t("Write it in the form of an e-mail address, such as name@example.com.")
    known = {
        Why.BLANK: t("This field is needed."),
        Why.MALFORMED: t("This does not have the right form."),
        Why.NOT_OFFERED: t("Choose one of the list."),
        Why.TAKEN: t("This exists already."),
        Why.PAST: t("This must lie in the future."),
        Why.TOO_FAR: t("This lies too far in the future."),
        Why.NO_SUCH: t("There is no such user in this account."),
        Why.NOT_ALLOWED: t("Your role does not allow this."),
    }
    return known.get(error.why, t("This is not possible."))
