"""Tools and the form of the answer, as the Messages API wants them. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.chat.parts import as_object
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["JSON_INSTRUCTION", "answer_format", "tool_choice_param", "tool_params"]

_NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none"}
JSON_INSTRUCTION: Final = (
    "Answer with one JSON object and nothing else: no explanation, no code fence."
)
"""Stands in for `{"type": "json_object"}`: the API knows only formats with a schema."""


def tool_params(request: LlmRequest) -> list[dict[str, Any]]:
    """The request's functions. `RequestRejectedError` for one without a name."""
    return [_tool(tool, f"tools[{position}]") for position, tool in enumerate(request.tools)]


def tool_choice_param(
    request: LlmRequest, model: ChosenModel, rules: ModelRules
) -> dict[str, Any] | None:
    """The request's choice; for a model that cannot be forced to call a tool, `auto`."""
    choice: dict[str, Any] | None = _choice(request.tool_choice)
    if choice is not None and choice["type"] in {"any", "tool"}:
        if not request.tools:
            raise RequestRejectedError("tool_choice demands a call, and there are no tools")
        if not model.profile.forced_tool_choice:
            rules.leave_out(model.name, "tool_choice", "the model cannot be forced to call a tool")
            choice = {"type": "auto"}
    parallel = request.options.get("parallel_tool_calls")
    if parallel is not None and request.tools:
        choice = {"type": "auto"} if choice is None else choice
        if choice["type"] != "none":
            choice = {**choice, "disable_parallel_tool_use": not parallel}
    return choice if request.tools else None


def answer_format(request: LlmRequest) -> dict[str, Any] | None:
    """The `format` of `output_config` for a JSON schema; None for anything that has none."""
    wanted = request.response_format
    if not wanted or wanted.get("type") in {"text", "json_object"}:
        return None
    schema = as_object(wanted.get("json_schema")).get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, Mapping):
        raise RequestRejectedError(
            "response_format is neither text, json_object nor a json_schema with a schema"
        )
    return {"type": "json_schema", "schema": dict(as_object(cast("object", schema)))}


def _tool(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = as_object(tool.get("function"))
    if tool.get("type", "function") != "function" or not known.get("name"):
        raise RequestRejectedError(f"{where} is no function with a name")
    converted = {
        "name": known["name"],
        "input_schema": dict(known.get("parameters") or _NO_PARAMETERS),
    }
    for field in ("description", "strict"):
        if known.get(field):
            converted[field] = known[field]
    return converted


def _choice(given: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, str):
        if given not in _CHOICES:
            raise RequestRejectedError(
                f"tool_choice {given!r} is unknown (known: {', '.join(_CHOICES)})"
            )
        return {"type": _CHOICES[given]}
    name = as_object(given.get("function")).get("name")
    if not name:
        raise RequestRejectedError("tool_choice names no function")
    return {"type": "tool", "name": name}
