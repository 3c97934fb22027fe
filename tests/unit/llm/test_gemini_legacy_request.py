"""A request as the older SDK's messages can hold it."""

from typing import Any

import pytest

from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.gemini.legacy_request import legacy_request, legacy_schema
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion


def question(**changes: Any) -> GeminiQuestion:
    fields: dict[str, Any] = {
        "model": "gemini-2.5-pro",
        "contents": [{"role": "user", "parts": [{"text": "Hello?"}]}],
        "system_instruction": None,
        "config": {},
    }
    return GeminiQuestion(**(fields | changes))


def test_configuration_stands_where_the_older_messages_have_it() -> None:
    config = {
        "temperature": 0.2,
        "response_mime_type": "application/json",
        "response_json_schema": {"type": "string"},
        "tool_config": {"function_calling_config": {"mode": "ANY"}},
        "safety_settings": [{"category": "c", "threshold": "t"}],
        "tools": [
            {
                "function_declarations": [
                    {"name": "f", "parameters_json_schema": {"type": "object"}},
                    {"name": "g"},
                ]
            }
        ],
    }
    assert legacy_request(question(config=config, system_instruction={"parts": []})) == {
        "model": "models/gemini-2.5-pro",
        "contents": [{"role": "user", "parts": [{"text": "Hello?"}]}],
        "system_instruction": {"parts": []},
        "generation_config": {
            "temperature": 0.2,
            "response_mime_type": "application/json",
            "response_schema": {"type": "STRING"},
        },
        "tool_config": {"function_calling_config": {"mode": "ANY"}},
        "safety_settings": [{"category": "c", "threshold": "t"}],
        "tools": [
            {
                "function_declarations": [
                    {"name": "f", "parameters": {"type": "OBJECT"}},
                    {"name": "g"},
                ]
            }
        ],
    }


def test_name_with_a_collection_is_left_alone() -> None:
    assert legacy_request(question(model="tunedModels/mine"))["model"] == "tunedModels/mine"


def test_data_is_written_as_json_has_it_and_signatures_are_dropped() -> None:
    parts: list[Any] = [
        {"inline_data": {"mime_type": "image/png", "data": b"\xff"}},
        {"function_call": {"name": "f", "args": {}}, "thought_signature": b"sig"},
    ]
    contents = [{"role": "model", "parts": parts}]
    assert legacy_request(question(contents=contents))["contents"][0]["parts"] == [
        {"inline_data": {"mime_type": "image/png", "data": "/w=="}},
        {"function_call": {"name": "f", "args": {}}},
    ]


def test_json_schema_becomes_the_older_schema() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "title": "Place",
        "additionalProperties": False,
        "required": ["city"],
        "properties": {
            "city": {"type": "string", "description": "Its name.", "minLength": 1},
            "kind": {"type": "string", "enum": ["big", "small"]},
            "always": {"const": "x", "type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "height": {"type": ["number", "null"]},
            "anything": {},
        },
    }
    assert legacy_schema(schema) == {
        "type": "OBJECT",
        "required": ["city"],
        "properties": {
            "city": {"type": "STRING", "description": "Its name."},
            "kind": {"type": "STRING", "enum": ["big", "small"]},
            "always": {"type": "STRING", "enum": ["x"]},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "max_items": 3},
            "height": {"type": "NUMBER", "nullable": True},
            "anything": {},
        },
    }


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"anyOf": [{"type": "string"}]},
        {"type": "array", "items": {"$ref": "#/$defs/x"}},
        {"type": ["string", "number"]},
    ],
)
def test_schema_that_would_lose_its_meaning_is_refused(schema: Any) -> None:
    with pytest.raises(RequestRejectedError):
        legacy_schema(schema)
