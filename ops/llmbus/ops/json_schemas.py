"""JSON Schemas of the types, the same at each generation."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final

import msgspec

__all__ = ["json_schema", "schema_components"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: type) -> dict[str, Any]:
    """The schema of this type, as a document of its own."""
    return {"$schema": _DIALECT, **_steady(msgspec.json.schema(kind))}


def schema_components(kinds: Sequence[type]) -> dict[str, Any]:
    """The schemas of these types, by their names, as parts of a larger document."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return _steady(schemas)


def _steady(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what differs from one generation to the next: msgspec writes a default
    that a factory makes, such as the current time, as it was at this moment."""
    for struct in schema.get("$defs", schema).values():
        struct["description"] = inspect.cleandoc(struct.get("description", ""))
        struct.get("properties", {}).get("created_at", {}).pop("default", None)
    return schema
