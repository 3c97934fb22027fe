"""What a hybrid task wishes: which agents are asked for it, and in what way."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from llmbus.shared.agents import AgentConfig
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.task import AgentTask

__all__ = ["HYBRID", "HybridStrategy", "HybridWish"]

HYBRID: Final = "hybrid"
"""The key of the wish in the metadata of a task or an agent, and of the report in a result's."""


class HybridStrategy(StrEnum):
    """How several agents are asked for one task."""

    FIRST_SUCCESS = "first_success"
    """One after the other, until one succeeds."""
    RACE = "race"
    """All at once; the first success wins and the others are cancelled."""
    ALL = "all"
    """All at once, and every answer counts."""


class HybridWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{"strategy": "race", "agents": ["gpt-4", "gemini-pro"]}`.

    Raises `InvalidInputError` (a `ValueError`) for no agent, an empty name, or one named twice.
    """

    agents: tuple[str, ...]
    strategy: HybridStrategy = HybridStrategy.FIRST_SUCCESS

    def __post_init__(self) -> None:
        if not self.agents:
            raise InvalidInputError("`agents` is empty: name at least one")
        if not all(name.strip() for name in self.agents):
            raise InvalidInputError("`agents` holds an empty name")
        if twice := sorted({name for name in self.agents if self.agents.count(name) > 1}):
            raise InvalidInputError(f"`agents` names {', '.join(twice)} more than once")

    @classmethod
    def of(cls, task: AgentTask, agent: AgentConfig) -> HybridWish:
        """The wish in the task's metadata, else in its agent's; without any, the agent itself is
        asked. `InvalidInputError` says where the wish is wrong.

        A task that wants one certain model is refused where several agents are to be asked.
        """
        places = {
            f"task {task.task_id!r}: metadata['{HYBRID}']": task.metadata,
            f"agent {agent.name!r}: metadata['{HYBRID}']": agent.metadata,
        }
        for place, metadata in places.items():
            if metadata.get(HYBRID) is not None:
                return cls._read(place, metadata[HYBRID], task.metadata)
        return cls((agent.name,))

    @classmethod
    def _read(cls, place: str, value: Any, task_metadata: Mapping[str, Any]) -> HybridWish:
        try:
            wish = msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            known = ", ".join(HybridStrategy)
            raise InvalidInputError(
                f"{place} is wrong: {error} (it needs `agents`, a list of names, and takes"
                f" `strategy`, one of: {known})"
            ) from None
        if len(wish.agents) > 1 and task_metadata.get("model"):
            raise InvalidInputError(
                f"{place} asks several agents, and metadata['model'] is one model: leave it out"
                " and set the model of each agent"
            )
        return wish

    def configs(self, registry: AgentRegistry) -> list[AgentConfig]:
        """The agents, in the order of the wish; `UnknownAgentError` for one that is not
        registered, or disabled."""
        return [registry.require_enabled_agent(name) for name in self.agents]
