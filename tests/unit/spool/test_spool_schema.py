from __future__ import annotations

import json
from pathlib import Path

from spool.schema import manifest_schema, manifest_schema_text
from tests.support.recordings import finished

PUBLISHED = Path(__file__).parents[3] / "docs/schemas/manifest.v1.json"


def test_published_schema_is_the_one_the_dataclasses_make() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == manifest_schema_text()


def test_a_manifest_on_disk_has_exactly_the_properties_of_the_schema(tmp_path: Path) -> None:
    directory, _ = finished(tmp_path)
    written = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    assert list(written) == manifest_schema()["required"]


def test_descriptions_come_from_the_docstrings_below_the_fields() -> None:
    properties = manifest_schema()["properties"]
    assert properties["user"] == {"type": "string", "description": "Number of the recorded user (channel 1)."}
