"""The tasks that both paths of `TaskExecutor` are given, and the providers that answer them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from benchmarks.task import DESCRIPTION, TITLE
from llmbus.shared.agents import AgentType
from llmbus.shared.task import AgentTask

__all__ = ["AGENT", "PROVIDERS", "Path", "Prompt", "task"]

AGENT: Final = "benchmark"
PROVIDERS: Final[Mapping[str, AgentType]] = {
    "openai": AgentType.OPENAI_GPT,
    "gemini": AgentType.GOOGLE_GEMINI,
    "anthropic": AgentType.ANTHROPIC_CLAUDE,
}
_MEDIUM_TIMES_IN_LONG: Final = 32


class Path(StrEnum):
    """One of the two ways on which a task is run; as `execution_mode` of its result says."""

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


def task(number: int, path: Path, prompt: Prompt, answer_after_seconds: float | None) -> AgentTask:
    """A task that is run on that path. Its provider answers after that time, else after the one
    that it was started with."""
    description = _DESCRIPTIONS[prompt]
    if answer_after_seconds is not None:
        description += f'\n[[simulate: {{"latency_seconds": {answer_after_seconds}}}]]'
    wish = {"use_direct_llm": path is Path.DIRECT}
    return AgentTask(f"benchmark-{number}", TITLE, description, AGENT, metadata=wish)
