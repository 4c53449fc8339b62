"""The published JSON Schema of ``manifest.json``, made from the dataclasses themselves.

``python -m spool.schema`` prints it; ``docs/schemas/manifest.v1.json`` is its output, and a test compares the two.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from callmodel.manifest import MANIFEST_VERSION, RecordingManifest

_SCALARS: Mapping[type, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
}


def manifest_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a recording's manifest."""
    definitions: dict[str, Any] = {}
    top = _object(RecordingManifest, definitions)
    top["properties"]["version"] = {"const": MANIFEST_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Recording manifest, version 1",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def manifest_schema_text() -> str:
    """The schema as the file has it."""
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n"


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, notes = get_type_hints(kind), _field_docstrings(kind)
    assert is_dataclass(kind)
    properties = {}
    for field in fields(kind):
        note = {"description": notes[field.name]} if field.name in notes else {}
        properties[field.name] = {**_schema(hints[field.name], definitions), **note}
    return {
        "description": inspect.cleandoc(kind.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if isinstance(hint, UnionType):
        return {"anyOf": [_schema(part, definitions) for part in get_args(hint)]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0], definitions)}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(hint)[1], definitions)}
    if issubclass(hint, StrEnum):
        definitions[hint.__name__] = {"type": "string", "enum": [item.value for item in hint]}
    else:
        definitions[hint.__name__] = _object(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _field_docstrings(kind: type) -> dict[str, str]:
    """The string literals that stand below fields in the class's source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, note in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            found[field.target.id] = inspect.cleandoc(ast.literal_eval(note.value))
    return found


if __name__ == "__main__":
    sys.stdout.write(manifest_schema_text())
