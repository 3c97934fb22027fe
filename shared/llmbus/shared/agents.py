"""Agents: who can be asked. `AgentConfig` describes one, `registry` beside knows them all."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["API_KEY_VARIABLES", "AgentCapability", "AgentConfig", "AgentInterface", "AgentType"]


class AgentType(StrEnum):
    """Whose model answers; also the name of the lane that carries the task."""

    ANTHROPIC_CLAUDE = "anthropic-claude"
    OPENAI_GPT = "openai-gpt"
    GOOGLE_GEMINI = "google-gemini"
    META_LLAMA = "meta-llama"
    CUSTOM = "custom"


class AgentInterface(StrEnum):
    """How the agent is reached."""

    TASK_TOOL = "task-tool"
    """Interactive: a person starts it."""
    API = "api"
    CLI = "cli"
    HYBRID = "hybrid"


class AgentCapability(StrEnum):
    """What an agent is good for."""

    CODE = "code"
    RESEARCH = "research"
    DESIGN = "design"
    TESTING = "testing"
    DEPLOYMENT = "deployment"
    DOCUMENTATION = "documentation"
    ANALYSIS = "analysis"
    PLANNING = "planning"


API_KEY_VARIABLES: Final = {
    AgentType.ANTHROPIC_CLAUDE: "ANTHROPIC_API_KEY",
    AgentType.OPENAI_GPT: "OPENAI_API_KEY",
    AgentType.GOOGLE_GEMINI: "GOOGLE_API_KEY",
}
"""Which environment variable holds the key of which agent type."""


class AgentConfig(msgspec.Struct):
    """One agent. Its key never leaves the object: not by `repr`, not by `to_dict`."""

    name: str
    agent_type: AgentType
    interface: AgentInterface
    capabilities: list[AgentCapability] = []
    model: str = ""
    api_key: str | None = None
    api_endpoint: str | None = None
    max_tokens: int = 4000
    temperature: float = 0.7
    metadata: dict[str, Any] = {}
    enabled: bool = True

    def __post_init__(self) -> None:
        if not self.name or not self.name.strip():
            raise ValueError("name is required")
        if self.interface is AgentInterface.API and not self.api_key:
            variable = API_KEY_VARIABLES.get(self.agent_type)
            self.api_key = os.environ.get(variable) if variable else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON, without the key."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        del built["api_key"]
        return built

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"AgentConfig({fields}, api_key={'<set>' if self.api_key else None})"
