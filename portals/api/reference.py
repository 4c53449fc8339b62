"""What the APIs are, in the language of whoever reads the page; the OpenAPI document is for programs, and English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

from markupsafe import Markup, escape
from pydantic import BaseModel

from portals.rest.openapi import Api, operation_id, said
from portals.rest.route import Route
from portals.rest.scopes import MEANINGS
from webkit.i18n import Translator


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A field, a parameter or a scope, and what is said about it; most fields speak for themselves."""

    name: str
    about: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route as it is shown; what it does not have is empty."""

    id: str
    method: str
    path: str
    summary: str
    about: Markup
    scopes: tuple[str, ...]
    users: bool
    query: tuple[Named, ...]
    body: tuple[Named, ...]
    upload: tuple[str, ...]
    statuses: tuple[int, ...]
    answer: tuple[Named, ...]
    media: str
    refusals: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One API: its operations by what they are about, in the order of its table."""

    anchor: str
    prefix: str
    title: str
    about: str
    sections: tuple[tuple[str, tuple[Operation, ...]], ...]


def chapters(apis: Sequence[Api], t: Translator) -> tuple[Chapter, ...]:
    """All of the page but its frame."""
    return tuple(
        Chapter(
            anchor=api.prefix.strip("/").replace("/", "-"),
            prefix=api.prefix,
            title=t(api.title),
            about=t(api.about),
            sections=tuple(
                (t(tag), tuple(_operation(api, route, t) for route in routes))
                for tag, routes in groupby(api.routes, key=lambda route: route.tag)
            ),
        )
        for api in apis
    )


def scopes(t: Translator) -> tuple[Named, ...]:
    """What each of them lets do."""
    return tuple(Named(name=scope, about=_shown(what, t)) for scope, what in MEANINGS.items())


def texts(apis: Sequence[Api]) -> Iterator[tuple[str, str]]:
    """Every text of these APIs that the page translates, with its place."""
    for api in apis:
        yield from ((text, api.prefix) for text in (api.title, api.about))
        for route in api.routes:
            place = operation_id(api, route)
            yield from ((text, place) for text in (route.tag, route.summary, said(route)) if text)
            for model in (route.query, route.body, route.answer):
                yield from ((about, f"{place}: {name}") for name, about in _fields(model) if about)
    yield from ((what, scope) for scope, what in MEANINGS.items())


def _operation(api: Api, route: Route, t: Translator) -> Operation:
    def named(model: type[BaseModel] | None) -> tuple[Named, ...]:
        return tuple(Named(name=name, about=_shown(about, t)) for name, about in _fields(model))

    return Operation(
        id=operation_id(api, route),
        method=route.method,
        path=api.prefix + route.path,
        summary=t(route.summary),
        about=_shown(said(route), t),
        scopes=route.scopes,
        users=route.users,
        query=named(route.query),
        body=named(route.body),
        upload=route.upload,
        statuses=(route.status, *route.also),
        answer=named(route.answer),
        media="" if route.status == 204 else route.media,
        refusals=route.refusals,
    )


def _shown(text: str, t: Translator) -> Markup:
    """Translated; words between back-quotes are code."""
    parts = (t(text) if text else "").split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _fields(model: type[BaseModel] | None) -> Iterator[tuple[str, str]]:
    """Every field with its description; those of what it holds as ``recording.mode``, of a list's as ``items[].id``."""
    for python_name, field in model.model_fields.items() if model is not None else ():
        name = field.alias or python_name
        yield name, field.description or ""
        for inner, many in _models_in(field.annotation):
            yield from ((f"{name}{'[]' if many else ''}.{below}", about) for below, about in _fields(inner))


def _models_in(annotation: Any, *, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """Models in a field's type, and whether in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
    for inner in get_args(annotation):
        yield from _models_in(inner, many=many or getattr(annotation, "__origin__", None) is list)
