"""Limits, sampling and thinking for a Claude model, by its profile. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.chat.parts import as_object
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles import Sampling, Thinking
from llmbus.worker.llm_abstractions.profiles.rules import ChosenModel, ModelRules

__all__ = ["checked_options", "max_tokens", "sampling", "thinking"]

_DEFAULT_OUTPUT_TOKENS: Final = 4_096
"""Where the profile has no number; the API has no default of its own."""
_HAVE_A_NAME: Final = frozenset(LlmRequest.__struct_fields__) - {"options", "origin"}
_UNSUPPORTED_OPTIONS: Final = _HAVE_A_NAME | {
    "functions",
    "function_call",
    "max_completion_tokens",
    "max_output_tokens",
    "model",
    "n",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
}
"""Fields that have a name in `LlmRequest` or come from the messages, and those whose answers
`LlmReply` has no room for."""
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_UNKNOWN_TO_ANTHROPIC: Final = (
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "presence_penalty",
    "seed",
    "store",
    "top_logprobs",
    "user",
)
"""Of OpenAI's: tasks carry them from one provider to another. The API forbids unknown fields."""
_READ_ELSEWHERE: Final = frozenset({"thinking", "parallel_tool_calls", "output_config", *_SAMPLING})


def checked_options(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> dict[str, Any]:
    """The options that go into the body as they are. `RequestRejectedError` for one that must
    not."""
    if unsupported := sorted(_UNSUPPORTED_OPTIONS & request.options.keys()):
        raise RequestRejectedError(f"options cannot hold {', '.join(unsupported)}")
    for name in _UNKNOWN_TO_ANTHROPIC:
        if name in request.options:
            rules.leave_out(model.name, name, "Anthropic has no such parameter")
    left_out = _READ_ELSEWHERE.union(_UNKNOWN_TO_ANTHROPIC)
    return {name: value for name, value in request.options.items() if name not in left_out}


def max_tokens(request: LlmRequest, model: ChosenModel, thinks: Mapping[str, Any] | None) -> int:
    """The API wants one always. Thinking counts against it, so a budget comes on top of the
    default."""
    if request.max_tokens is not None:
        return request.max_tokens
    profile = model.profile
    wanted = profile.default_output_tokens or _DEFAULT_OUTPUT_TOKENS
    wanted += (thinks or {}).get("budget_tokens") or 0
    return min(wanted, profile.max_output_tokens or wanted)


def thinking(request: LlmRequest, model: ChosenModel, rules: ModelRules) -> dict[str, Any] | None:
    """The option `thinking`, in the form that the model takes; None leaves it to the model."""
    wanted = request.options.get("thinking")
    if wanted is None:
        return None
    config = dict(as_object(wanted))
    if "type" not in config:
        raise RequestRejectedError("the option thinking is an object with a type")
    profile = model.profile
    if config["type"] in {"disabled", "between_tools"}:
        if profile.thinking is Thinking.ALWAYS:
            rules.leave_out(model.name, "thinking", "the model always thinks")
            return None
        return {"type": profile.thinking_off or "disabled"}
    budgeted = profile.thinking_style == "budget"
    if config["type"] == "adaptive" and budgeted:
        rules.leave_out(model.name, "thinking", "the model only thinks with a budget_tokens")
        return None
    if config["type"] == "enabled" and not budgeted and profile.sampling is Sampling.NEVER:
        rules.leave_out(model.name, "thinking.budget_tokens", "the model decides by itself")
        return {"type": "adaptive"}
    return config


def sampling(
    request: LlmRequest, model: ChosenModel, rules: ModelRules, *, thinks: bool
) -> dict[str, Any]:
    """Those sampling parameters of the request that the model takes."""
    wanted = {name: request.options[name] for name in _SAMPLING if name in request.options}
    if request.temperature is not None:
        wanted["temperature"] = request.temperature
    wanted = {name: value for name, value in wanted.items() if value is not None}
    reason = None
    if model.profile.sampling is Sampling.NEVER:
        reason = "the model rejects sampling parameters"
    elif thinks:
        reason = "the model rejects it while it thinks"
    if reason is not None:
        for name in wanted:
            rules.leave_out(model.name, name, reason)
        return {}
    return _within_range(wanted, model, rules)


def _within_range(wanted: dict[str, Any], model: ChosenModel, rules: ModelRules) -> dict[str, Any]:
    profile = model.profile
    if profile.sampling is Sampling.ONE and {"temperature", "top_p"} <= wanted.keys():
        rules.leave_out(model.name, "top_p", "the model takes it or temperature, not both")
        del wanted["top_p"]
    if wanted.get("temperature", 0) > profile.temperature_max:
        most = profile.temperature_max
        rules.leave_out(model.name, f"temperature above {most}", f"the model takes 0 to {most}")
        wanted["temperature"] = most
    return wanted
