"""What OpenAI's Responses refuse about their input and tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.fields import as_list, as_object
from llmbus.worker.provider_simulator.openai.chat_rules import check_image

__all__ = ["check_input", "check_parameters", "check_tools"]

_PARAMETERS: Final = frozenset(
    {"model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "stream"}
    | {"stream_options", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning"}
    | {"store", "include", "metadata", "user", "previous_response_id", "conversation"}
    | {"background", "truncation", "service_tier", "max_tool_calls", "prompt", "top_logprobs"}
    | {"safety_identifier", "prompt_cache_key", "prompt_cache_retention", "context_management"}
)
_MOVED: Final = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "messages": "input",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}
_ROLES: Final = ("assistant", "system", "developer", "user")
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "assistant": ("output_text", "refusal"),
    "system": ("input_text",),
    "developer": ("input_text",),
    "user": ("input_text", "input_image", "input_file", "input_audio"),
}
_ITEMS: Final = ("message", "function_call", "function_call_output", "reasoning", "item_reference")


def check_parameters(body: Mapping[str, Any]) -> None:
    """Their names: many of Chat Completions have moved."""
    for name in sorted(set(body) - _PARAMETERS):
        if name in _MOVED:
            refuse(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved"
                f" to '{_MOVED[name]}'.",
                param=name,
                code="unsupported_parameter",
            )
        refuse(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def check_input(items: object) -> None:
    """A text, or items of which every function call has its output and the other way round."""
    if isinstance(items, str):
        return
    found = as_list(items, "input")
    if not found:
        refuse("Missing required parameter: 'input'.", param="input")
    called: list[str] = []
    answered: list[str] = []
    for position, item in enumerate(found):
        where = f"input[{position}]"
        item = as_object(item, where)
        match item.get("type", "message"):
            case "message":
                _check_message(item, where)
            case "function_call":
                _require(item, ("call_id", "name", "arguments"), where)
                called.append(item["call_id"])
            case "function_call_output":
                _require(item, ("call_id", "output"), where)
                answered.append(item["call_id"])
            case "reasoning" | "item_reference":
                pass
            case other:
                _refuse_value(other, _ITEMS, f"{where}.type")
    _check_pairs(called, answered)


def _check_message(message: Mapping[str, Any], where: str) -> None:
    role = message.get("role")
    if role not in _ROLES:
        _refuse_value(role, _ROLES, f"{where}.role")
    known = {"type", "role", "content", "id", "status", "phase"}
    if others := sorted(set(message) - known):
        name = f"{where}.{others[0]}"
        refuse(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    content = message.get("content")
    if isinstance(content, str):
        return
    if content is None:
        refuse(f"Missing required parameter: '{where}.content'.", param=f"{where}.content")
    for position, part in enumerate(as_list(content, f"{where}.content")):
        here = f"{where}.content[{position}]"
        kind = as_object(part, here).get("type")
        if kind not in _PARTS[str(role)]:
            _refuse_value(kind, _PARTS[str(role)], f"{here}.type")
        if kind == "input_image" and "file_id" not in part:
            check_image(part.get("image_url"), here)


def _require(item: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for name in names:
        if item.get(name) is None:
            refuse(f"Missing required parameter: '{where}.{name}'.", param=f"{where}.{name}")


def _check_pairs(called: Sequence[str], answered: Sequence[str]) -> None:
    for call in called:
        if call not in answered:
            refuse(f"No tool output found for function call {call}.", param="input")
    for call in answered:
        if call not in called:
            refuse(
                f"No tool call found for function call output with call_id {call}.", param="input"
            )


def _refuse_value(value: object, supported: Sequence[str], param: str) -> None:
    listed = ", ".join(f"'{one}'" for one in supported)
    refuse(
        f"Invalid value: '{value}'. Supported values are: {listed}.",
        param=param,
        code="invalid_value",
    )


def check_tools(tools: object) -> None:
    """Functions in the flat shape of this API."""
    for position, tool in enumerate(as_list(tools or [], "tools")):
        where = f"tools[{position}]"
        if as_object(tool, where).get("type") == "function":
            _require(tool, ("name",), where)
        elif "type" not in tool:
            refuse(f"Missing required parameter: '{where}.type'.", param=f"{where}.type")
