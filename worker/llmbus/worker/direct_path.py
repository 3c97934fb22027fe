"""Whether a task's provider is asked directly, or its script is run: the task's say and ours."""

from __future__ import annotations

from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

from llmbus.shared.task import AgentTask

__all__ = ["USE_DIRECT_LLM", "DirectPathSettings", "wants_direct"]

USE_DIRECT_LLM: Final = "use_direct_llm"
"""The key in a task's metadata."""

_MEANS_NO: Final = frozenset({"", "0", "false", "f", "no", "n", "off"})


class DirectPathSettings(BaseSettings):
    """The switch back to the scripts, for a whole process."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    use_direct_llm: bool = True
    """LLMBUS_USE_DIRECT_LLM: false puts every task on the subprocess path, whatever it says."""


def wants_direct(task: AgentTask, settings: DirectPathSettings) -> bool:
    """Whether the provider is asked directly: yes, unless the settings or the task's
    `metadata["use_direct_llm"]` say no.

    That value may be of any type, and none is an error, because existing callers write it freely:
    it counts as Python counts it, and texts such as "false", "0", "no" or "off" count as no.
    """
    wish = task.metadata.get(USE_DIRECT_LLM, True)
    if isinstance(wish, str):
        wish = wish.strip().lower() not in _MEANS_NO
    return settings.use_direct_llm and bool(wish)
