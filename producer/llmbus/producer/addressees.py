"""Which agent a task goes to over the bus, or which several."""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.producer.preparation import agent_for
from llmbus.shared.agents import AgentConfig, AgentInterface
from llmbus.shared.execution_mode import interface_for
from llmbus.shared.hybrid_wish import HYBRID, HybridWish
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.task import AgentTask

__all__ = ["Addressees", "sub_task"]


class Addressees:
    """By the agents of one registry. `InvalidInputError` for an agent that is unknown or disabled,
    and for a wish that makes no sense."""

    def __init__(self, registry: AgentRegistry, default_agent: str) -> None:
        self._registry: Final = registry
        self._default_agent: Final = default_agent

    def asked(self, task: AgentTask, agent: str | None) -> AgentTask:
        """The task, for the agent that is to run it; the caller's own stays as it is."""
        name = agent or task.agent or self._default_agent
        asked = task if name == task.agent else msgspec.structs.replace(task, agent=name)
        agent_for(asked, self._registry)
        return asked

    def wish(self, asked: AgentTask, mode: str | None) -> HybridWish | None:
        """What is wished of several agents; None if one is to be asked."""
        config = self._registry.get_agent(asked.agent)
        if config is None:  # an agent type by its own name
            agent_type = agent_for(asked, self._registry).agent_type
            config = AgentConfig(asked.agent, agent_type, AgentInterface.API)
        if interface_for(asked, config, mode) is not AgentInterface.HYBRID:
            return None
        wish = HybridWish.of(asked, config)
        wish.configs(self._registry)
        return wish

    def sent_for(self, task: AgentTask, agent: str | None) -> list[AgentTask]:
        """The tasks that go over the bus for this one: itself, or one for each of several."""
        asked = self.asked(task, agent)
        wish = self.wish(asked, None)
        return [sub_task(asked, name) for name in wish.agents] if wish else [asked]


def sub_task(task: AgentTask, agent: str) -> AgentTask:
    """The task for one of several agents; its id is its own, and the same after a restart."""
    metadata = {name: value for name, value in task.metadata.items() if name != HYBRID}
    return msgspec.structs.replace(
        task, task_id=f"{task.task_id}.{agent}", agent=agent, metadata=metadata
    )
