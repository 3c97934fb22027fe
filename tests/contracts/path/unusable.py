"""Providers that cannot be asked."""

from __future__ import annotations

from typing import Any

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest, ScriptedProviders
from llmbus.worker.llm_abstractions.errors import MissingDependenciesError

__all__ = ["Defective", "Uninstalled"]


class Uninstalled(ScriptedProviders):
    """As on a machine without the SDK."""

    async def load(self, agent_type: AgentType | str) -> None:
        raise MissingDependenciesError("no SDK: pip install 'llmbus[openai]'")


class _DefectiveLlm(BaseLlm):
    provider = "defective"

    async def generate(self, request: LlmRequest) -> LlmReply:
        raise ZeroDivisionError("nobody foresaw this")


class Defective(ScriptedProviders):
    """A provider of one's own that breaks in a way of its own."""

    def get_provider(self, agent_type: AgentType | str, model: str | None = None, **_: Any) -> Any:
        return _DefectiveLlm(model or "defective")
