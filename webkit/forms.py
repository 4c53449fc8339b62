"""Forms: every field has a limit and a check, and every problem names its field in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.web_request import FileField
from multidict import MultiDict, MultiDictProxy

from webkit.i18n import Translator

MAX_FORM_BYTES: Final = 256 * 1024
MAX_FIELDS: Final = 500
CSRF_FIELD: Final = "csrf"
PASTED: Final = {
    **dict.fromkeys(map(ord, "\u00a0\u1680\u2002\u2003\u2007\u2009\u202f\u205f\u3000"), " "),
    **dict.fromkeys(
        map(ord, "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
    ),
}
"""What copying out of a page or a document brings along unseen: spaces of other widths, and marks that say where a line
may break or in which direction it is written. Nobody could find what is wrong with them."""

SEEN: Final = "seen"
"""Of a form: which state its page has shown."""

E = TypeVar("E", bound=StrEnum)


def state_name(state: object) -> str:
    """Names what a page shows of something that can be changed, by its ``repr``."""
    return sha256(repr(state).encode()).hexdigest()[:16]


class Form:
    """What was sent; ``errors`` has a sentence by field name for everything that does not fit."""

    def __init__(self, sent: MultiDictProxy[Any], t: Translator) -> None:
        self._sent = sent
        self._t = t
        self.errors: dict[str, str] = {}
        self.overtaken = ""
        """Which ``seen`` field names a state that is not there any more; empty for none."""

    @property
    def ok(self) -> bool:
        """Nothing was wrong so far."""
        return not self.errors and not self.overtaken

    def overtakes(self, before: object, after: object, name: str = SEEN) -> bool:
        """Saving ``after`` would undo unseen what somebody else, or another tab, made of what this form's page showed.

        The page has shown the state that its hidden field ``name`` tells (``ui.seen``). A form that was sent twice has
        nothing left to change the second time, and passes; so does one that tells no state.
        """
        if after != before and self.sent(name) not in ("", state_name(before)):
            self.overtaken = name
        return bool(self.overtaken)

    def sent(self, name: str) -> str:
        """A field as it came, for showing the form again."""
        value = self._sent.get(name, "")
        return value if isinstance(value, str) else ""

    def has(self, name: str) -> bool:
        """The field was sent at all."""
        return name in self._sent

    def refuse(self, name: str, problem: str) -> None:
        """Say what is wrong with a field; the first word counts."""
        self.errors.setdefault(name, problem)

    def text(self, name: str, *, limit: int = 255, required: bool = False, pattern: str = "", problem: str = "") -> str:
        """One line, trimmed, without unseen signs. ``pattern`` must match all of it; ``problem`` says so in words."""
        value = self.sent(name).translate(PASTED).strip()
        if not value:
            if required:
                self.refuse(name, self._t("This field is needed."))
            return ""
        if len(value) > limit:
            self.refuse(
                name, self._t("At most %(limit)s characters; these are %(count)s.", limit=limit, count=len(value))
            )
        elif any(ord(c) < 32 or ord(c) == 127 for c in value):
            self.refuse(name, self._t("Control characters cannot be used here."))
        elif not value.isprintable():
            unseen = " ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(value) if not c.isprintable())
            self.refuse(name, self._t("Invisible characters cannot be used here: %(characters)s.", characters=unseen))
        elif pattern and not re.fullmatch(pattern, value):
            self.refuse(name, problem or self._t("This does not have the right form."))
        return value

    def lines(self, name: str, *, limit: int = 10_000) -> str:
        """Text of several lines, line ends as ``\\n``."""
        value = self.sent(name).replace("\r\n", "\n").strip()
        if len(value) > limit:
            self.refuse(
                name, self._t("At most %(limit)s characters; these are %(count)s.", limit=limit, count=len(value))
            )
        elif any((ord(c) < 32 and c not in "\n\t") or ord(c) == 127 for c in value):
            self.refuse(name, self._t("Control characters cannot be used here."))
        return value

    def secret(self, name: str, *, limit: int = 200) -> str:
        """A password: taken as it is."""
        value = self.sent(name)
        if len(value) > limit:
            self.refuse(
                name, self._t("At most %(limit)s characters; these are %(count)s.", limit=limit, count=len(value))
            )
        return value

    def whole(self, name: str, lowest: int, highest: int, *, default: int | None = None) -> int | None:
        """A whole number in a range; ``default`` when nothing was entered (None and needed: say it with ``refuse``)."""
        value = self.sent(name).strip()
        if not value:
            return default
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", value) or not lowest <= int(value) <= highest:
            self.refuse(name, self._t("A whole number from %(lowest)s to %(highest)s.", lowest=lowest, highest=highest))
            return default
        return int(value)

    def decimal(self, name: str, lowest: float, highest: float, *, default: float | None = None) -> float | None:
        """A number in a range; a comma is a decimal point too."""
        value = self.sent(name).strip().replace(",", ".")
        if not value:
            return default
        if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{1,6})?", value) or not lowest <= float(value) <= highest:
            self.refuse(name, self._t("A number from %(lowest)s to %(highest)s.", lowest=lowest, highest=highest))
            return default
        return float(value)

    def flag(self, name: str) -> bool:
        """A checkbox or switch: sent when it is on."""
        return self.sent(name) in {"on", "true", "1", "yes"}

    def one_of(self, name: str, choices: Collection[str], *, default: str = "") -> str:
        """One of a list."""
        value = self.sent(name)
        if value in choices:
            return value
        if value or not default:
            self.refuse(name, self._t("Choose one of the list."))
        return default

    def member(self, name: str, kind: type[E], *, default: E) -> E:
        """One value of an enumeration."""
        return kind(self.one_of(name, [m.value for m in kind], default=default.value))

    def all(self, name: str, *, limit: int = 1000) -> list[str]:
        """Every value of a field that may come several times."""
        return [value for value in self._sent.getall(name, []) if isinstance(value, str)][:limit]

    def file(self, name: str, *, limit: int, required: bool = True) -> bytes:
        """The bytes of an uploaded file; empty when there is none."""
        value = self._sent.get(name)
        data = value if isinstance(value, bytes) else b""
        if not data and required:
            self.refuse(name, self._t("Choose a file."))
        elif len(data) > limit:
            self.refuse(name, self._t("The file is larger than %(limit)s bytes.", limit=limit))
            return b""
        return data


async def read_fields(request: web.Request, limit: int) -> MultiDictProxy[Any]:
    """The form's fields, files as bytes; HTTPRequestEntityTooLarge (413) and HTTPBadRequest (400)."""
    length = request.content_length
    if length is None:
        raise web.HTTPLengthRequired
    if length > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=length)
    fields: MultiDict[Any] = MultiDict()
    try:
        if request.content_type == "multipart/form-data":
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader) or part.name is None or len(fields) >= MAX_FIELDS:
                    raise web.HTTPBadRequest
                data = bytes(await part.read(decode=True))
                fields.add(part.name, data if part.filename is not None else data.decode("utf-8"))
        else:
            fields.extend(await request.post())
    except (ValueError, LookupError, AssertionError) as error:
        raise web.HTTPBadRequest from error
    if len(fields) > MAX_FIELDS or any(isinstance(value, FileField) for value in fields.values()):
        raise web.HTTPBadRequest
    return MultiDictProxy(fields)
