"""What OpenAI's Chat Completions refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.fields import as_list, as_object, is_object, refuse_others

__all__ = ["PARAMETERS", "check_image", "check_messages", "check_tools"]

PARAMETERS: Final = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n"}
    | {"stream", "stream_options", "stop", "tools", "tool_choice", "parallel_tool_calls"}
    | {"response_format", "reasoning_effort", "seed", "user", "metadata", "store", "verbosity"}
    | {"frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"}
    | {"service_tier", "prediction", "modalities", "audio", "safety_identifier"}
    | {"prompt_cache_key", "prompt_cache_retention", "web_search_options", "functions"}
    | {"function_call"}
)
_MESSAGE_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "system": frozenset({"content", "name"}),
    "developer": frozenset({"content", "name"}),
    "user": frozenset({"content", "name"}),
    "assistant": frozenset({"content", "name", "tool_calls", "refusal", "audio", "function_call"}),
    "tool": frozenset({"content", "tool_call_id"}),
    "function": frozenset({"content", "name"}),
}
_PARTS: Final = ("text", "image_url", "input_audio", "file", "refusal")


def check_messages(messages: Sequence[Any]) -> None:
    """Their shape, and that every tool call is followed by its result."""
    if not messages:
        refuse("Invalid 'messages': empty array.", param="messages", code="empty_array")
    unanswered: list[str] = []
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        message = as_object(message, where)
        _check_message(message, where)
        if message["role"] == "tool":
            if message.get("tool_call_id") not in unanswered:
                _refuse_stray_result(where)
            unanswered.remove(message["tool_call_id"])
            continue
        if unanswered:
            _refuse_unanswered(unanswered, where)
        unanswered = [call["id"] for call in message.get("tool_calls") or ()]
    if unanswered:
        _refuse_unanswered(unanswered, f"messages[{len(messages)}]")


def _check_message(message: Mapping[str, Any], where: str) -> None:
    role = message.get("role")
    known = _MESSAGE_FIELDS.get(role) if isinstance(role, str) else None
    if known is None:
        refuse(
            f"Invalid value: '{role}'. Supported values are: {', '.join(_MESSAGE_FIELDS)}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    refuse_others(
        message,
        known | {"role"},
        lambda name: f"Additional properties are not allowed ('{name}' was unexpected) - '{where}'",
        param=where,
    )
    content = message.get("content")
    if content is None and not any(message.get(name) for name in ("tool_calls", "refusal")):
        refuse(
            "Invalid value for 'content': expected a string, got null.",
            param=f"{where}.content",
        )
    if content is not None and not isinstance(content, str):
        _check_parts(content, f"{where}.content")
    for position, call in enumerate(message.get("tool_calls") or ()):
        _check_call(call, f"{where}.tool_calls[{position}]")


def _check_parts(parts: object, where: str) -> None:
    found = as_list(parts, where)
    if not found:
        refuse(f"Invalid '{where}': empty array.", param=where, code="empty_array")
    for position, part in enumerate(found):
        here = f"{where}[{position}]"
        kind = as_object(part, here).get("type")
        if kind not in _PARTS:
            refuse(
                f"Invalid value: '{kind}'. Supported values are: {', '.join(_PARTS)}.",
                param=f"{here}.type",
                code="invalid_value",
            )
        if kind == "image_url":
            check_image(as_object(part.get(kind), here).get("url"), here)


def check_image(url: object, where: str) -> None:
    """An address of an image, or a `data:` one that holds it."""
    if not str(url).startswith(("https://", "http://", "data:image/")):
        refuse(
            f"Invalid image data at '{where}': expected a URL or base64-encoded data.",
            param=where,
            code="invalid_image_url",
        )


def _check_call(call: object, where: str) -> None:
    found = as_object(call, where)
    function = found.get("function")
    for name in ("id", "type", "function"):
        if not found.get(name):
            refuse(f"Missing required parameter: '{where}.{name}'.", param=f"{where}.{name}")
    if not is_object(function) or not isinstance(function.get("arguments"), str):
        refuse(f"Invalid type for '{where}.function.arguments': expected a string.", param=where)


def check_tools(tools: object, choice: object) -> None:
    """Functions in the shape of Chat Completions."""
    found = as_list(tools or [], "tools")
    for position, tool in enumerate(found):
        where = f"tools[{position}]"
        function = as_object(tool, where).get("function")
        if tool.get("type") != "function" or not is_object(function):
            refuse(f"Missing required parameter: '{where}.function'.", param=f"{where}.function")
        if not function.get("name"):
            refuse(f"Missing required parameter: '{where}.function.name'.", param=where)
    if choice is not None and not found:
        refuse("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")


def _refuse_stray_result(where: str) -> NoReturn:
    refuse(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message"
        " with 'tool_calls'.",
        param=f"{where}.role",
    )


def _refuse_unanswered(unanswered: Sequence[str], where: str) -> NoReturn:
    refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to"
        " each 'tool_call_id'. The following tool_call_ids did not have response messages:"
        f" {', '.join(unanswered)}",
        param=f"{where}.role",
    )
