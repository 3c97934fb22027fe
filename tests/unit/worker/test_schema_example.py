"""The simulator's tool calls and JSON answers fit the schemas that they are made from."""

from typing import Any

import jsonschema
import pytest

from llmbus.worker.provider_simulator.schema_example import example_of

SCHEMAS: list[dict[str, Any]] = [
    {"const": 7},
    {"enum": ["a", "b"]},
    {"anyOf": [{"type": "null"}, {"type": "string"}]},
    {"type": ["integer", "null"], "minimum": 5},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
    {"type": "string", "minLength": 4},
    {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {}}, "required": ["b"]}},
        "required": ["a"],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_example_fits_its_schema(schema: dict[str, Any]) -> None:
    jsonschema.validate(example_of(schema), schema)
