"""In which way a task is executed: what its caller says, its metadata wish, or its agent is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, cast

from llmbus.shared.agents import AgentConfig, AgentInterface
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.hybrid_wish import HYBRID
from llmbus.shared.task import AgentTask

__all__ = ["ExecutionMode", "interface_for"]


class ExecutionMode(StrEnum):
    """What a caller may say in place of the agent's own interface."""

    INTERACTIVE = "interactive"
    """A person starts it: the result is the command to give."""
    API = "api"
    """The provider is asked, whatever kind of agent it is."""
    HYBRID = "hybrid"
    """Several agents are asked."""


_INTERFACES: Final = {
    ExecutionMode.INTERACTIVE: AgentInterface.TASK_TOOL,
    ExecutionMode.API: AgentInterface.API,
    ExecutionMode.HYBRID: AgentInterface.HYBRID,
}


def interface_for(task: AgentTask, agent: AgentConfig, mode: str | None = None) -> AgentInterface:
    """Through which interface the agent is reached for this task: that of the mode; else hybrid,
    if the task's metadata has a hybrid wish; else the agent's own.

    `InvalidInputError` (a `ValueError`) lists the modes if there is no such mode.
    """
    if mode is not None:
        if mode not in set(ExecutionMode):
            raise InvalidInputError(f"mode {mode!r} is unknown (known: {', '.join(ExecutionMode)})")
        return _INTERFACES[ExecutionMode(mode)]
    return AgentInterface.HYBRID if _wishes_hybrid(task.metadata) else agent.interface


def _wishes_hybrid(metadata: object) -> bool:
    """Metadata are free: under that name may stand what was never meant as a wish."""
    if not isinstance(metadata, Mapping):
        return False
    return isinstance(cast("Mapping[str, object]", metadata).get(HYBRID), Mapping)
