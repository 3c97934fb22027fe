"""The tasks that both paths of `TaskExecutor` are given, and the providers that answer them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from benchmarks.llm_contenders import APIS, Api
from benchmarks.task import DESCRIPTION, TITLE
from llmbus.shared.task import AgentTask

__all__ = ["AGENT", "PROVIDERS", "ExecutionPath", "Prompt", "prompt_text", "task"]

AGENT: Final = "benchmark"
PROVIDERS: Final[Mapping[str, Api]] = {
    "openai": APIS["openai chat"],
    "gemini": APIS["gemini"],
    "anthropic": APIS["anthropic"],
}
_MEDIUM_TIMES_IN_LONG: Final = 32


class ExecutionPath(StrEnum):
    """One of the two ways on which a task is run, named as `execution_mode` in its result."""

    DIRECT = "llm_direct"
    SUBPROCESS = "subprocess"


class Prompt(StrEnum):
    """How much there is to read."""

    SHORT = "short"
    """A sentence."""
    MEDIUM = "medium"
    """About a kilobyte."""
    LONG = "long"
    """About 40 kilobytes."""


_DESCRIPTIONS: Final = {
    Prompt.SHORT: "Say in one sentence what this change is for.",
    Prompt.MEDIUM: DESCRIPTION,
    Prompt.LONG: "\n\n".join([DESCRIPTION] * _MEDIUM_TIMES_IN_LONG),
}


def prompt_text(prompt: Prompt, latency_seconds: float | None) -> str:
    """What the provider reads. It answers after that time, else after the one that it was started
    with."""
    text = _DESCRIPTIONS[prompt]
    if latency_seconds is None:
        return text
    return f'{text}\n[[simulate: {{"latency_seconds": {latency_seconds}}}]]'


def task(
    number: int, path: ExecutionPath, prompt: Prompt, latency_seconds: float | None
) -> AgentTask:
    """A task that asks for that path."""
    return AgentTask(
        f"benchmark-{number}",
        TITLE,
        prompt_text(prompt, latency_seconds),
        AGENT,
        metadata={"use_direct_llm": path is ExecutionPath.DIRECT},
    )
