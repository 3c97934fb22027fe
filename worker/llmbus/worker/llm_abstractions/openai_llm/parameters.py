"""What of a request goes into the body for a model of OpenAI's, by the model's profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.base_llm import LlmRequest
from llmbus.worker.llm_abstractions.errors import RequestRejectedError
from llmbus.worker.llm_abstractions.profiles import ModelProfile, Sampling, Thinking
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules

__all__ = ["checked_options", "taken_sampling"]

_SAMPLING: Final = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)
_UNSUPPORTED_OPTIONS: Final = frozenset(
    {"background", "function_call", "functions", "input", "instructions", "max_completion_tokens"}
    | {"max_output_tokens", "n", "stream", "stream_options", "text"}
) | (frozenset(LlmRequest.__struct_fields__) | {"model"}) - {"options", "origin"}
"""Fields that have a name in `LlmRequest`, and those whose answers `LlmReply` has no room for."""


def checked_options(request: LlmRequest) -> dict[str, Any]:
    """The request's options, which go into the body as they are; `RequestRejectedError` for one
    that must not."""
    if unsupported := sorted(_UNSUPPORTED_OPTIONS & request.options.keys()):
        raise RequestRejectedError(f"options cannot hold {', '.join(unsupported)}")
    return dict(request.options)


def taken_sampling(
    wanted: Mapping[str, Any], model: str, profile: ModelProfile, rules: ModelRules
) -> dict[str, Any]:
    """The same body fields without the sampling parameters that the model rejects."""
    if _samples(wanted, profile):
        return dict(wanted)
    for parameter in _SAMPLING:
        if parameter in wanted:
            rules.leave_out(model, parameter, "the model rejects it while it thinks")
    return {name: value for name, value in wanted.items() if name not in _SAMPLING}


def _samples(wanted: Mapping[str, Any], profile: ModelProfile) -> bool:
    if profile.sampling is Sampling.NEVER:
        return False
    if profile.sampling is not Sampling.WITHOUT_THINKING:
        return True
    reasoning: Mapping[str, Any] = wanted.get("reasoning") or {}
    effort = wanted.get("reasoning_effort") or reasoning.get("effort")
    if effort is None:
        return profile.thinking in {Thinking.NONE, Thinking.OPTIONAL}
    return bool(effort == profile.thinking_off)
