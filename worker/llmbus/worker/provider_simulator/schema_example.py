"""A value that a JSON schema allows, for simulated tool calls and JSON answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

__all__ = ["example_of"]

_DEEPEST: Final = 8


def example_of(schema: Mapping[str, Any], depth: int = 0) -> Any:
    """The smallest one that comes to mind; knows types, `enum`, `const`, `anyOf` and required
    properties, and follows no reference."""
    if "const" in schema:
        return schema["const"]
    if choices := schema.get("enum"):
        return choices[0]
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(alternatives[0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if not isinstance(kind, str):
        kind = kind[0]
    if depth > _DEEPEST:
        return None
    make = _EXAMPLES.get(kind.lower())  # Gemini writes types in capitals
    return make(schema, depth) if make else None


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = cast(Mapping[str, Mapping[str, Any]], schema.get("properties") or {})
    wanted = cast(Sequence[str], schema.get("required") or ())
    return {name: example_of(properties.get(name, {}), depth + 1) for name in wanted}


def _array(schema: Mapping[str, Any], depth: int) -> list[Any]:
    return [example_of(schema.get("items") or {}, depth + 1)] * int(schema.get("minItems", 0))


def _number(schema: Mapping[str, Any], _: int) -> Any:
    return schema.get("minimum", 1)


_EXAMPLES: Final[Mapping[str, Callable[[Mapping[str, Any], int], Any]]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "boolean": lambda _, __: True,
    "null": lambda _, __: None,
    "string": lambda schema, _: "x" * max(int(schema.get("minLength", 0)), 1),
}
