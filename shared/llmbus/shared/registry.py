"""`AgentRegistry`: the agents an orchestrator can name in a task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from llmbus.shared.agents import AgentCapability, AgentConfig, AgentInterface, AgentType
from llmbus.shared.errors import UnknownAgentError

__all__ = ["AgentRegistry"]


class AgentRegistry:
    """Agents by name. Starts with the ready-made `claude-code`, `gpt-4` and `gemini-pro`."""

    def __init__(self) -> None:
        self._agents: dict[str, AgentConfig] = {}
        for agent in _ready_made():
            self._agents[agent.name] = agent

    def register_agent(
        self,
        name: str,
        agent_type: AgentType,
        interface: AgentInterface,
        capabilities: Sequence[AgentCapability] | None = None,
        **kwargs: Any,
    ) -> AgentConfig:
        """Add an agent; `kwargs` are further fields of `AgentConfig`. A name that is taken is a
        `ValueError`."""
        if name in self._agents:
            raise ValueError(f"agent {name!r} is already registered: unregister it first")
        agent = AgentConfig(name, agent_type, interface, list(capabilities or ()), **kwargs)
        self._agents[name] = agent
        return agent

    def get_agent(self, name: str) -> AgentConfig | None:
        """The agent of that name, enabled or not; None if there is none."""
        return self._agents.get(name)

    def list_agents(self, enabled_only: bool = True) -> list[AgentConfig]:
        """All agents in the order they were registered."""
        return [a for a in self._agents.values() if a.enabled or not enabled_only]

    def find_agents_by_capability(self, capability: AgentCapability) -> list[AgentConfig]:
        """The enabled agents that have this capability."""
        return [agent for agent in self.list_agents() if capability in agent.capabilities]

    def find_agents_by_type(self, agent_type: AgentType) -> list[AgentConfig]:
        """The enabled agents of this type."""
        return [agent for agent in self.list_agents() if agent.agent_type == agent_type]

    def get_recommended_agent(
        self,
        required_capabilities: Collection[AgentCapability],
        preferred_types: Collection[AgentType] | None = None,
        fallback: str = "claude-code",
    ) -> AgentConfig | None:
        """The enabled agent that has all the required capabilities: one of a preferred type before
        any other, then the one with the most capabilities. Without any, the fallback agent."""
        able = [a for a in self.list_agents() if set(required_capabilities) <= set(a.capabilities)]
        if not able:
            return self.get_agent(fallback)
        preferred = preferred_types or ()
        return max(able, key=lambda a: (a.agent_type in preferred, len(a.capabilities)))

    def enable_agent(self, name: str) -> None:
        """Let the agent be used again; `UnknownAgentError` (a `ValueError`) if there is none."""
        self.require_agent(name).enabled = True

    def disable_agent(self, name: str) -> None:
        """Keep the agent, but let nobody use it; `UnknownAgentError` if there is none."""
        self.require_agent(name).enabled = False

    def unregister_agent(self, name: str) -> None:
        """Forget the agent; `UnknownAgentError` if there is none."""
        self.require_agent(name)
        del self._agents[name]

    def require_agent(self, name: str) -> AgentConfig:
        """The agent of that name; `UnknownAgentError` lists the known names if there is none."""
        agent = self._agents.get(name)
        if agent is None:
            known = ", ".join(sorted(self._agents)) or "none"
            raise UnknownAgentError(f"agent {name!r} is not registered (registered: {known})")
        return agent

    def require_enabled_agent(self, name: str) -> AgentConfig:
        """The agent of that name; `UnknownAgentError` if there is none, or it is disabled."""
        agent = self.require_agent(name)
        if not agent.enabled:
            raise UnknownAgentError(f"agent {name!r} is disabled: enable it first")
        return agent


def _ready_made() -> list[AgentConfig]:
    everything = list(AgentCapability)
    return [
        AgentConfig(
            "claude-code", AgentType.ANTHROPIC_CLAUDE, AgentInterface.TASK_TOOL, everything
        ),
        AgentConfig(
            "gpt-4",
            AgentType.OPENAI_GPT,
            AgentInterface.API,
            [
                AgentCapability.CODE,
                AgentCapability.RESEARCH,
                AgentCapability.ANALYSIS,
                AgentCapability.DOCUMENTATION,
            ],
        ),
        AgentConfig(
            "gemini-pro",
            AgentType.GOOGLE_GEMINI,
            AgentInterface.API,
            [AgentCapability.RESEARCH, AgentCapability.ANALYSIS, AgentCapability.DOCUMENTATION],
        ),
    ]
