"""The body of a Messages API request. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from llmbus.worker.llm_abstractions.anthropic.messages import Block, message_params
from llmbus.worker.llm_abstractions.anthropic.parameters import (
    checked_options,
    max_tokens,
    sampling,
    thinking,
)
from llmbus.worker.llm_abstractions.anthropic.tools import (
    JSON_INSTRUCTION,
    answer_format,
    tool_choice_param,
    tool_params,
)
from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.chat.conversation import (
    AssistantTurn,
    begun_by_user,
    read_conversation,
)
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["Prepared", "prepare"]

_GO_ON: Final = "Continue."


class Prepared(msgspec.Struct, frozen=True):
    """A request as the API wants it."""

    body: dict[str, Any]
    api_version: str | None
    """The one that the body needs; None for the SDK's own."""


def prepare(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> Prepared:
    """The request for this model, without what the model rejects. Built anew for every attempt;
    the request stays as it is.

    Raises `RequestRejectedError` for messages, tools or options that cannot be sent.
    """
    body = checked_options(request, model, rules)
    thinks = thinking(request, model, rules)
    if thinks is not None:
        body["thinking"] = thinks
    is_thinking = thinks is not None and thinks["type"] in {"enabled", "adaptive"}
    samples = sampling(request, model, rules, thinks=is_thinking)
    body |= samples
    body["model"] = model.name
    body["max_tokens"] = max_tokens(request, model, thinks)
    _put_tools_and_format(body, request, model, rules)
    _put_stop(body, request, model, rules)
    _put_conversation(body, request, model, rules, prefills=not is_thinking)
    return Prepared(body, model.profile.api_version if samples else None)


def _put_tools_and_format(
    body: dict[str, Any], request: LlmRequest, model: ChosenModel, rules: ModelRules
) -> None:
    choice = tool_choice_param(request, model, rules)
    if tools := tool_params(request):
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = choice
    output = dict(request.options.get("output_config") or {})
    if format_ := answer_format(request):
        output["format"] = format_
    if output:
        body["output_config"] = output


def _put_stop(
    body: dict[str, Any], request: LlmRequest, model: ChosenModel, rules: ModelRules
) -> None:
    stops = [request.stop] if isinstance(request.stop, str) else list(request.stop)
    usable = [stop for stop in stops if stop.strip()]
    if len(usable) < len(stops):
        rules.leave_out(model.name, "stop of whitespace", "the API rejects it")
    if usable:
        body["stop_sequences"] = usable


def _put_conversation(
    body: dict[str, Any],
    request: LlmRequest,
    model: ChosenModel,
    rules: ModelRules,
    *,
    prefills: bool,
) -> None:
    conversation = read_conversation(request.messages, provider=model.profile.agent_type.value)
    system = list(conversation.system)
    if _wants_json_object(request.response_format):
        system.append(JSON_INSTRUCTION)
    if system:
        body["system"] = "\n\n".join(system)
    turns = begun_by_user(conversation.turns)
    messages = message_params(turns)
    if isinstance(turns[-1], AssistantTurn):
        if model.profile.prefill and prefills:
            _strip_end(messages[-1])
        else:
            rules.leave_out(
                model.name, "prefill", f"the model cannot go on with its answer; {_GO_ON!r} asks it"
            )
            messages.append({"role": "user", "content": [{"type": "text", "text": _GO_ON}]})
    body["messages"] = messages


def _wants_json_object(response_format: Mapping[str, Any] | None) -> bool:
    return (response_format or {}).get("type") == "json_object"


def _strip_end(message: Block) -> None:
    """The API rejects the beginning of an answer that ends in whitespace."""
    last = message["content"][-1]
    last["text"] = last["text"].rstrip()
