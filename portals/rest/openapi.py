"""The OpenAPI 3.1 document of several APIs, made from their tables of routes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from portals.rest.route import Route
from portals.rest.style import Style

_REF: Final = "#/components/schemas/{model}"
_Wanted = tuple[type[BaseModel], JsonSchemaMode]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One table of routes, where it is mounted, and how it writes errors."""

    prefix: str
    title: str
    about: str
    routes: Sequence[Route]
    style: Style


def document(apis: Sequence[Api], *, title: str, about: str, version: str) -> dict[str, Any]:
    """The whole document, ready for JSON; the same routes give the same bytes."""
    wanted = list(dict.fromkeys(_models(apis)))
    references, schemas = models_json_schema(wanted, ref_template=_REF)
    paths: dict[str, Any] = {}
    for api in apis:
        for route in api.routes:
            path = paths.setdefault(api.prefix + route.path, {})
            path[route.method.lower()] = _operation(api, route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "description": about, "version": version},
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(api, route) for api in apis for route in api.routes)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.get("$defs", {}).items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(apis: Iterable[Api]) -> Iterable[_Wanted]:
    for api in apis:
        yield api.style.error, "serialization"
        for route in api.routes:
            if route.body is not None:
                yield route.body, "validation"
            if route.answer is not None:
                yield route.answer, "serialization"


def _tag(api: Api, route: Route) -> str:
    return f"{api.title}: {route.tag}"


def _operation(api: Api, route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(api, route),
        "summary": route.summary,
        "description": told(route),
        "tags": [_tag(api, route)],
        "responses": _responses(api, route, references),
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        operation["parameters"] = parameters
    if route.scopes:
        # scopes of a bearer token stand in the description: OpenAPI has a place for them with OAuth only
        operation["security"] = [{"token": []}]
    if route.body is not None:
        content = {"application/json": {"schema": references[route.body, "validation"]}}
        operation["requestBody"] = {"required": not route.optional_body, "content": content}
    elif route.upload:
        operation["requestBody"] = {"required": True, "content": {kind: {} for kind in route.upload}}
    return operation


def operation_id(api: Api, route: Route) -> str:
    """Such as ``v1-get-people-person_id``."""
    parts = f"{api.prefix}/{route.method.lower()}{route.path}".replace("{", "").replace("}", "")
    return "-".join(part for part in parts.split("/") if part)


def said(route: Route) -> str:
    """What the handler's own documentation says."""
    return " ".join((route.handler.__doc__ or "").split())


def told(route: Route) -> str:
    """The same, and who may."""
    text = said(route)
    if not route.scopes:
        return text
    scopes = " or ".join(f"`{scope}`" for scope in route.scopes)
    who = "A token of one user is let in, and sees that user only." if route.users else ""
    return " ".join(part for part in (text, f"Needs the scope {scopes}.", who) if part)


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in route.names:
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name in route.patterns:
            schema["pattern"] = f"^{route.patterns[name]}$"
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    if route.query is None:
        return
    schema = route.query.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    for name, field in schema.get("properties", {}).items():
        described = _without_null(_inlined(field, definitions))
        about = described.pop("description", "")
        described.pop("title", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": described,
            **({"description": about} if about else {}),
        }


def _inlined(field: Any, definitions: dict[str, Any]) -> Any:
    """References to the query's own definitions, replaced by what they mean."""
    if isinstance(field, dict):
        reference = field.get("$ref")
        if reference is not None:
            return dict(definitions[str(reference).rsplit("/", 1)[1]])
        return {key: _inlined(value, definitions) for key, value in field.items()}
    if isinstance(field, list):
        return [_inlined(value, definitions) for value in field]
    return field


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out; null cannot be written in a query."""
    choices = [choice for choice in field.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return dict(field)
    rest = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    return {**choices[0], **rest}


def _responses(api: Api, route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in (route.status, *route.also):
        responses[str(status)] = _good(route, status, references)
    error = {api.style.content_type: {"schema": references[api.style.error, "serialization"]}}
    for status in route.refusals:
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": error}
    return responses


def _good(route: Route, status: int, references: dict[Any, Any]) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    if status in (204, 304):
        return {"description": phrase}
    if route.answer is not None:
        return {"description": phrase, "content": {route.media: {"schema": references[route.answer, "serialization"]}}}
    return {"description": phrase, "content": {kind.strip(): {} for kind in route.media.split(",")}}
