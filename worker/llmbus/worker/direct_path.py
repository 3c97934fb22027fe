"""Whether a task is asked of its provider directly, or goes the old way through a subprocess."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

from llmbus.shared.result import FailureKind
from llmbus.shared.task import AgentTask

__all__ = ["UNUSABLE", "DirectPathSettings", "FallbackReason", "wants_direct"]


class FallbackReason(StrEnum):
    """Why a task left the direct path; in a result it stands in `metadata["fallback_reason"]`."""

    MISSING_DEPENDENCIES = "missing_dependencies"
    """The provider's SDK is not installed where the task was taken."""
    MISSING_API_KEY = "missing_api_key"
    """The provider's key is not set where the task was taken."""
    DIRECT_PATH_OFF = "use_direct_llm"
    """`metadata["use_direct_llm"]` or LLMBUS_USE_DIRECT_LLM is false."""
    ATTEMPTS_USED_UP = "attempts_used_up"
    """Every direct attempt failed in a way that may pass."""
    DEAD_LETTERED = "dead_lettered"
    """The broker, or another program, put it into the fallback queue without a word."""


UNUSABLE: Final = {
    FailureKind.MISSING_DEPENDENCIES: FallbackReason.MISSING_DEPENDENCIES,
    FailureKind.MISSING_API_KEY: FallbackReason.MISSING_API_KEY,
}
"""Failures that say that the provider cannot be used here, while another process may well do it."""


_MEANS_NO: Final = frozenset({"", "0", "false", "f", "no", "n", "off"})


class DirectPathSettings(BaseSettings):
    """The switch that puts every process back on the subprocess path."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    use_direct_llm: bool = True
    """LLMBUS_USE_DIRECT_LLM: false sends every task through its script, whatever it says itself."""


def wants_direct(task: AgentTask, settings: DirectPathSettings) -> bool:
    """Whether the direct path is on, here and for this task: `metadata["use_direct_llm"]`.

    That value may be of any type, and none is an error, because existing callers write it freely:
    it counts as Python counts it, and texts such as "false", "0", "no" or "off" count as no.
    """
    wish = task.metadata.get("use_direct_llm", True)
    if isinstance(wish, str):
        wish = wish.strip().lower() not in _MEANS_NO
    return settings.use_direct_llm and bool(wish)
