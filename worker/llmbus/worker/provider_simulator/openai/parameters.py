"""What both of OpenAI's APIs refuse about sampling, reasoning and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile, Sampling, Thinking
from llmbus.worker.provider_simulator.api_error import refuse

__all__ = ["check_limit", "check_sampling", "check_text_format", "is_thinking"]

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_RANGES: Final[Mapping[str, tuple[float, float]]] = {"temperature": (0, 2), "top_p": (0, 1)}


def is_thinking(profile: ModelProfile, effort: object, param: str) -> bool:
    """Whether the model reasons with this effort. Refuses one that it does not take."""
    if effort is None:
        return profile.thinking in {Thinking.DEFAULT, Thinking.ALWAYS}
    if profile.thinking is Thinking.NONE:
        refuse(
            f"Unsupported parameter: '{param}' is not supported with this model.",
            param=param,
            code="unsupported_parameter",
        )
    if effort not in _EFFORTS or (effort == "none" and profile.thinking is Thinking.ALWAYS):
        refuse(
            f"Unsupported value: '{param}' does not support '{effort}' with this model.",
            param=param,
            code="unsupported_value",
        )
    return effort != "none"


def check_sampling(body: Mapping[str, Any], profile: ModelProfile, *, thinking: bool) -> None:
    """`temperature` and `top_p`: models that reason take none but 1."""
    for name, (least, most) in _RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or not least <= value <= most:
            refuse(f"Invalid '{name}': expected a number from {least} to {most}.", param=name)
        barred = profile.sampling is Sampling.NEVER or (
            profile.sampling is Sampling.WITHOUT_THINKING and thinking
        )
        if barred and value != 1:
            refuse(
                f"Unsupported value: '{name}' does not support {value} with this model. Only the"
                " default (1) value is supported.",
                param=name,
                code="unsupported_value",
            )


def check_limit(value: object, profile: ModelProfile, param: str, least: int) -> int | None:
    """The most tokens to answer with."""
    if value is None:
        return None
    if not isinstance(value, int) or value < least:
        refuse(
            f"Invalid '{param}': integer below minimum value. Expected a value >= {least}, but got"
            f" {value} instead.",
            param=param,
            code="integer_below_min_value",
        )
    most = profile.max_output_tokens
    if most is not None and value > most:
        refuse(
            f"{param} is too large: {value}. This model supports at most {most} completion tokens.",
            param=param,
        )
    return value


def check_text_format(
    wanted: Mapping[str, Any] | None, texts: list[str], param: str
) -> Mapping[str, Any] | None:
    """The schema that the answer has to follow; None for plain text."""
    if wanted is None or wanted.get("type") == "text":
        return None
    if wanted.get("type") == "json_object":
        if not any("json" in text.lower() for text in texts):
            refuse(
                f"'messages' must contain the word 'json' in some form, to use '{param}' of type"
                " 'json_object'.",
                param="messages",
            )
        return {}
    if wanted.get("type") != "json_schema":
        refuse(
            f"Invalid value: '{wanted.get('type')}'.", param=f"{param}.type", code="invalid_value"
        )
    named = wanted.get("json_schema") or wanted  # Chat Completions nest it, Responses do not
    if not named.get("name"):
        refuse(f"Missing required parameter: '{param}.name'.", param=f"{param}.name")
    return named.get("schema") or {}
