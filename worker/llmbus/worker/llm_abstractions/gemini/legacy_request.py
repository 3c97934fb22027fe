"""A request as the older Gemini SDK's messages can hold it. Needs no SDK: the form is the JSON of
`GenerateContentRequest` in google-ai-generativelanguage 0.6.15, the last one of that SDK."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.gemini.question import GeminiQuestion

__all__ = ["legacy_request", "legacy_schema"]

_BESIDE_THE_GENERATION_CONFIG: Final = frozenset(
    {"tool_config", "safety_settings", "cached_content"}
)
_KEPT: Final[Mapping[str, str]] = {
    "format": "format",
    "description": "description",
    "nullable": "nullable",
    "enum": "enum",
    "required": "required",
    "minItems": "min_items",
    "maxItems": "max_items",
}
_ALTERNATIVES: Final = frozenset({"anyOf", "oneOf", "allOf", "$ref"})


def legacy_request(question: GeminiQuestion) -> dict[str, Any]:
    """The request that asks this.

    Thought signatures are dropped: these messages have no place for them, so with models from
    Gemini 3 on a conversation can hold no tool calls. Raises `RequestRejectedError` for a JSON
    schema that these messages cannot hold.
    """
    beside = _BESIDE_THE_GENERATION_CONFIG & question.config.keys()
    generation = {name: value for name, value in question.config.items() if name not in beside}
    tools = generation.pop("tools", ())
    if "response_json_schema" in generation:
        generation["response_schema"] = legacy_schema(generation.pop("response_json_schema"))
    request: dict[str, Any] = {
        "model": question.model if "/" in question.model else f"models/{question.model}",
        "contents": [_content(content) for content in question.contents],
        "generation_config": generation,
        "tools": [{"function_declarations": _declarations(tool)} for tool in tools],
        **{name: question.config[name] for name in beside},
    }
    if question.system_instruction is not None:
        request["system_instruction"] = _content(question.system_instruction)
    return request


def legacy_schema(schema: Any) -> dict[str, Any]:
    """A JSON schema as the service's older `Schema`, which knows fewer words.

    What only narrows the values further is dropped; alternatives and references are refused.
    """
    if not isinstance(schema, Mapping):
        raise RequestRejectedError("a JSON schema must be an object for the older Gemini SDK")
    schema = cast("Mapping[str, Any]", schema)
    if unsupported := sorted(_ALTERNATIVES & schema.keys()):
        raise RequestRejectedError(
            f"the older Gemini SDK takes no JSON schema with {', '.join(unsupported)}"
        )
    converted = {ours: schema[theirs] for theirs, ours in _KEPT.items() if theirs in schema}
    converted |= _type(schema.get("type"))
    if "const" in schema:
        converted["enum"] = [schema["const"]]
    if "items" in schema:
        converted["items"] = legacy_schema(schema["items"])
    if "properties" in schema:
        converted["properties"] = {
            name: legacy_schema(each) for name, each in schema["properties"].items()
        }
    return converted


def _type(name: Any) -> dict[str, Any]:
    """A list is understood only where it says that a value may be null."""
    if name is None:
        return {}
    names = cast("Sequence[Any]", name) if isinstance(name, list) else [name]
    values = [each for each in names if each != "null"]
    if len(values) != 1:
        raise RequestRejectedError(f"the older Gemini SDK takes no JSON schema of type {name!r}")
    nullable = {"nullable": True} if len(names) > 1 else {}
    return {"type": str(values[0]).upper(), **nullable}


def _declarations(tool: Mapping[str, Any]) -> list[dict[str, Any]]:
    declarations = [dict(declaration) for declaration in tool["function_declarations"]]
    for declaration in declarations:
        if "parameters_json_schema" in declaration:
            schema = declaration.pop("parameters_json_schema")
            declaration["parameters"] = legacy_schema(schema)
    return declarations


def _content(content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, "parts": [_part(part) for part in content["parts"]]}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in part.items() if name != "thought_signature"}
    if "inline_data" in kept:
        blob = kept["inline_data"]
        kept["inline_data"] = {**blob, "data": b64encode(blob["data"]).decode()}
    return kept
