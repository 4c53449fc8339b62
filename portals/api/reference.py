"""The page that tells people what the APIs are: one HTML file and one style sheet, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Final

from pydantic import BaseModel

from portals.rest.openapi import Api, operation_id, told
from portals.rest.route import Route
from portals.rest.scopes import MEANINGS

TITLE: Final = "HTTP APIs of the call recording media server"


def page(apis: Sequence[Api]) -> str:
    """The whole page."""
    parts = "".join(_api(api) for api in apis)
    links = "".join(
        f'<li><a href="#{_anchor(api)}">{escape(api.title)} ({escape(api.prefix)})</a></li>' for api in apis
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{TITLE}</title>
<link rel="stylesheet" href="reference.css">
</head>
<body>
<main>
<h1>{TITLE}</h1>
<p>The same as <a href="openapi.json">OpenAPI 3.1</a>. Send <code>Authorization: Bearer &lt;token&gt;</code>.</p>
<nav aria-label="Contents"><ul>{links}<li><a href="#scopes">Scopes</a></li></ul></nav>
{parts}
{_scopes()}
</main>
</body>
</html>
"""


def styles() -> str:
    """Its style sheet."""
    return (files("portals.api") / "reference.css").read_text("utf-8")


def _anchor(api: Api) -> str:
    return api.prefix.strip("/").replace("/", "-")


def _api(api: Api) -> str:
    groups = groupby(sorted(api.routes, key=lambda route: route.tag), key=lambda route: route.tag)
    sections = "".join(f"<h3>{escape(tag)}</h3>{''.join(_route(api, one) for one in routes)}" for tag, routes in groups)
    head = f'<h2 id="{_anchor(api)}">{escape(api.title)} <code>{escape(api.prefix)}</code></h2>'
    return f"<section>{head}<p>{escape(api.about)}</p>{sections}</section>"


def _route(api: Api, route: Route) -> str:
    method = f'<span class="method {route.method.lower()}">{route.method}</span>'
    path = f"<code>{escape(api.prefix + route.path)}</code>"
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(route))
    return (
        f'<details id="{operation_id(api, route)}"><summary>{method} {path} '
        f'<span class="what">{escape(route.summary)}</span></summary>'
        f"<p>{_code(told(route))}</p><dl>{facts}</dl></details>"
    )


def _facts(route: Route) -> Iterable[tuple[str, str]]:
    if route.query is not None:
        names = [str(field.alias or name) for name, field in route.query.model_fields.items()]
        yield "Query", ", ".join(f"<code>{escape(name)}</code>" for name in names)
    if route.body is not None:
        yield "Body", _fields(route.body)
    if route.upload:
        yield "Body", ", ".join(f"<code>{escape(kind)}</code>" for kind in route.upload)
    if route.answer is not None:
        yield "Answer", f"{route.status}: {_fields(route.answer)}"
    else:
        yield "Answer", f"{route.status}" if route.status == 204 else f"{route.status}: {escape(route.media)}"
    if route.refusals:
        yield "Refusals", ", ".join(str(status) for status in route.refusals)


def _fields(model: type[BaseModel]) -> str:
    names = [str(field.alias or name) for name, field in model.model_fields.items()]
    return ", ".join(f"<code>{escape(name)}</code>" for name in names)


def _code(text: str) -> str:
    """Words between back-quotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _scopes() -> str:
    rows = "".join(f"<dt><code>{escape(scope)}</code></dt><dd>{escape(what)}</dd>" for scope, what in MEANINGS.items())
    return f'<section><h2 id="scopes">Scopes</h2><dl class="scopes">{rows}</dl></section>'
