"""The body of a Responses request. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.openai_llm.parameters import checked_options, taken_sampling
from llmbus.worker.llm_abstractions.openai_llm.responses_items import input_items
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["responses_body"]

_LEAST_OUTPUT_TOKENS: Final = 16
"""The API rejects less."""
_ONLY_ON_CHAT: Final = (
    "audio",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "modalities",
    "prediction",
    "presence_penalty",
    "seed",
    "web_search_options",
)


def responses_body(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> dict[str, Any]:
    """The request as the endpoint wants it, without what the model rejects. The provider stores
    nothing, unless the options say `store`."""
    wanted = checked_options(request)
    if request.temperature is not None:
        wanted["temperature"] = request.temperature
    body = taken_sampling(wanted, model.name, model.profile, rules)
    for option in _ONLY_ON_CHAT:
        if option in body:
            del body[option]
            rules.leave_out(model.name, option, "the Responses API has no such field")
    if request.stop:
        rules.leave_out(model.name, "stop", "the Responses API has no such field")
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(request.max_tokens, _LEAST_OUTPUT_TOKENS)
    if effort := body.pop("reasoning_effort", None):
        body["reasoning"] = {**body.get("reasoning", {}), "effort": effort}
    body |= _text(request, body.pop("verbosity", None))
    if request.tools:
        body |= _tools(request)
        # What was thought before a call has to come back with its result, as nothing is stored.
        wanted_too = body.get("include", ())
        body["include"] = sorted({*wanted_too, "reasoning.encrypted_content"})
    return {"model": model.name, "input": input_items(request.messages), "store": False, **body}


def _text(request: LlmRequest, verbosity: str | None) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if request.response_format:
        text["format"] = _flat(request.response_format, "json_schema")
    if verbosity:
        text["verbosity"] = verbosity
    return {"text": text} if text else {}


def _tools(request: LlmRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {"tools": [_flat(tool, "function") for tool in request.tools]}
    choice = request.tool_choice
    if choice is not None:
        fields["tool_choice"] = choice if isinstance(choice, str) else _flat(choice, "function")
    return fields


def _flat(nested: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """`{"type": kind, kind: {…}}` of the chat format as `{"type": kind, …}`."""
    if nested.get("type") != kind or not isinstance(nested.get(kind), Mapping):
        return dict(nested)
    return {"type": kind, **nested[kind]}
