"""The API takes its field names in camelCase and in snake_case, and google-genai mixes them."""

from __future__ import annotations

import re
from typing import Any, Final, cast

__all__ = ["in_camel_case"]

_FREE: Final = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema"}
    | {"responseJsonSchema", "labels", "partMetadata"}
)
"""What is inside of them belongs to the caller."""
_UNDERSCORE: Final = re.compile(r"_([a-z0-9])")


def in_camel_case(value: Any) -> Any:
    """The same with all field names of the API in camelCase."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        named = ((_camel(name), inner) for name, inner in fields.items())
        return {name: inner if name in _FREE else in_camel_case(inner) for name, inner in named}
    if isinstance(value, list):
        return [in_camel_case(one) for one in cast("list[object]", value)]
    return value


def _camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)
