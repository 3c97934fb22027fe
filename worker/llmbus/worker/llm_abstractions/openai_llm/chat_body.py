"""The body of a chat completions request. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import LlmRequest, Message
from llmbus.worker.llm_abstractions.openai_llm.parameters import checked_options, taken_sampling
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["chat_body"]

_MESSAGE_FIELDS: Final = {
    "assistant": ("role", "content", "name", "refusal", "audio"),
    "tool": ("role", "content", "tool_call_id"),
}
_FIELDS_OF_OTHERS: Final = ("role", "content", "name")
"""What the API knows of a message, next to its calls; it rejects other fields."""


def chat_body(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> dict[str, Any]:
    """The request as the endpoint wants it, without what the model rejects."""
    wanted = checked_options(request)
    if request.max_tokens is not None:
        wanted[model.profile.limit_parameter] = request.max_tokens
    if request.temperature is not None:
        wanted["temperature"] = request.temperature
    body = taken_sampling(wanted, model.name, model.profile, rules)
    for name, value in (
        ("tools", list(request.tools)),
        ("tool_choice", request.tool_choice),
        ("response_format", request.response_format),
        ("stop", list(request.stop)),
    ):
        if value:
            body[name] = value
    speaks_developer = model.profile.agent_type is AgentType.OPENAI_GPT
    body["messages"] = [_message(message, speaks_developer) for message in request.messages]
    return {"model": model.name, **body}


def _message(message: Message, speaks_developer: bool) -> dict[str, Any]:
    known = _MESSAGE_FIELDS.get(message["role"], _FIELDS_OF_OTHERS)
    clean = {
        name: message[name]
        for name in known
        if name in message and (message[name] is not None or name == "content")
    }
    if clean["role"] == "developer" and not speaks_developer:
        clean["role"] = "system"  # what other servers call it
    if calls := message.get("tool_calls"):
        clean["tool_calls"] = [_call(call) for call in calls]
    if call := message.get("function_call"):
        clean["function_call"] = call
    return clean


def _call(call: object) -> object:
    if not isinstance(call, Mapping):
        return call
    known = cast("Mapping[str, Any]", call)
    return {name: value for name, value in known.items() if name in {"id", "type", "function"}}
