"""The key and the address that an agent was registered with, in the caller's own process."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmbus.shared.agents import AgentConfig

__all__ = ["ProviderAccess"]


@dataclass(frozen=True)
class ProviderAccess:
    """What stands in for the environment where it is set. Never travels in a message."""

    api_key: str | None = field(default=None, repr=False)
    api_endpoint: str | None = None

    @classmethod
    def of(cls, agent: AgentConfig) -> ProviderAccess:
        """What this agent was registered with. Stripped, because a key that was read from a file
        often ends with a newline."""
        return cls(
            (agent.api_key or "").strip() or None, (agent.api_endpoint or "").strip() or None
        )

    def arguments(self) -> dict[str, str]:
        """For `get_provider`: only what is set, so that a provider of one's own need take neither
        if it needs neither."""
        given = {"api_key": self.api_key, "api_endpoint": self.api_endpoint}
        return {name: value for name, value in given.items() if value is not None}
