"""What Anthropic's Messages API refuses about everything but the messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.worker.llm_abstractions.profiles import ModelProfile, Sampling, Thinking
from llmbus.worker.provider_simulator.api_error import refuse
from llmbus.worker.provider_simulator.fields import as_list, as_object, is_object, refuse_others

__all__ = ["check_parameters", "is_thinking"]

_NEWEST_VERSION: Final = "2026-10-21"
"""Of the API: from it on sampling is refused for every model."""
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_PARAMETERS: Final = frozenset(
    {"model", "messages", "max_tokens", "system", "tools", "tool_choice", "stop_sequences"}
    | {"stream", "metadata", "thinking", "output_config", "service_tier", "container"}
    | {"cache_control", "inference_geo", "speed", "fallbacks", *_SAMPLING}
)
_LEAST_THINKING: Final = 1_024


def check_parameters(body: Mapping[str, Any], profile: ModelProfile, version: str) -> None:
    """Everything but the messages."""
    refuse_others(body, _PARAMETERS, lambda name: f"{name}: Extra inputs are not permitted")
    limit = body.get("max_tokens")
    if limit is None:
        refuse("max_tokens: Field required", param="max_tokens")
    if not isinstance(limit, int) or limit < 1:
        refuse("max_tokens: Input should be greater than or equal to 1", param="max_tokens")
    most = profile.max_output_tokens
    if most is not None and limit > most:
        refuse(
            f"max_tokens: {limit} > {most}, which is the maximum allowed number of output tokens"
            f" for {body['model']}"
        )
    _check_sampling(body, profile, version)
    _check_thinking(body.get("thinking"), profile, limit)
    _check_tools(body, profile)


def is_thinking(body: Mapping[str, Any], profile: ModelProfile) -> bool:
    """Whether the answer begins with thinking."""
    wanted = body.get("thinking")
    if is_object(wanted):
        return wanted.get("type") in {"enabled", "adaptive"} or profile.thinking is Thinking.ALWAYS
    return profile.thinking in {Thinking.DEFAULT, Thinking.ALWAYS}


def _check_sampling(body: Mapping[str, Any], profile: ModelProfile, version: str) -> None:
    given = [name for name in _SAMPLING if body.get(name) is not None]
    if not given:
        return
    if profile.sampling is Sampling.NEVER:
        refuse(f"`{given[0]}` is deprecated for this model.", param=given[0])
    if version >= _NEWEST_VERSION:
        refuse(f"{given[0]}: not supported from API version {_NEWEST_VERSION} on", param=given[0])
    if "temperature" in given and "top_p" in given:
        refuse("`temperature` and `top_p` cannot both be specified for this model.")
    if not 0 <= body.get("temperature", 1) <= 1:
        refuse("temperature: range: 0..1", param="temperature")


def _check_thinking(thinking: object, profile: ModelProfile, limit: int) -> None:
    if thinking is None:
        return
    wanted = as_object(thinking, "thinking")
    match wanted.get("type"):
        case "enabled":
            _check_budget(wanted.get("budget_tokens"), profile, limit)
        case "adaptive":
            pass
        case "disabled" | "between_tools" as kind:
            if profile.thinking is Thinking.ALWAYS:
                refuse("thinking.type: thinking cannot be disabled for this model")
            if (profile.thinking_off or "disabled") != kind:
                refuse(f"thinking.type: '{kind}' is not supported for this model")
        case _:
            refuse("thinking.type: Input should be 'enabled', 'adaptive' or 'disabled'")


def _check_budget(budget: object, profile: ModelProfile, limit: int) -> None:
    if profile.thinking_style == "adaptive" and profile.sampling is Sampling.NEVER:
        refuse("thinking.type: 'enabled' is not supported for this model; use 'adaptive'")
    if not isinstance(budget, int) or budget < _LEAST_THINKING:
        refuse("thinking.enabled.budget_tokens: Input should be at least 1024")
    if budget >= limit:
        refuse("`max_tokens` must be greater than `thinking.budget_tokens`")


def _check_tools(body: Mapping[str, Any], profile: ModelProfile) -> None:
    tools = as_list(body.get("tools") or [], "tools")
    for position, tool in enumerate(tools):
        _check_tool(as_object(tool, f"tools.{position}"), f"tools.{position}")
    if (choice := body.get("tool_choice")) is None:
        return
    kind = as_object(choice, "tool_choice").get("type")
    if kind not in {"auto", "any", "none", "tool"}:
        refuse(f"tool_choice: Input tag '{kind}' does not match any of the expected tags")
    if kind in {"any", "tool"} and not tools:
        refuse("tool_choice: may only be specified while providing tools")
    if kind in {"any", "tool"} and not profile.forced_tool_choice:
        refuse("tool_choice: forcing tool use is not supported for this model")


def _check_tool(tool: Mapping[str, Any], where: str) -> None:
    if tool.get("type") not in {None, "custom"}:
        refuse(f"{where}: Input tag '{tool['type']}' does not match any of the expected tags")
    if not tool.get("name"):
        refuse(f"{where}.name: Field required")
    if not is_object(tool.get("input_schema")):
        refuse(f"{where}.input_schema: Field required")
