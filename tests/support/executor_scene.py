"""A `TaskExecutor` between a provider and scripts that do as they are told."""

from __future__ import annotations

from typing import Any

from llmbus.shared import AgentRegistry, AgentTask, AgentType
from llmbus.worker import TaskExecutor
from llmbus.worker.direct_path import DirectPathSettings
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest, ScriptedProviders
from llmbus.worker.llm_abstractions.errors import LlmError
from tests.support.script_desk import ScriptDesk

__all__ = ["OFF", "ON", "OneProvider", "Scene", "task"]

ON, OFF = DirectPathSettings(use_direct_llm=True), DirectPathSettings(use_direct_llm=False)


class OneLlm(BaseLlm):
    provider = "one"

    def __init__(self, providers: OneProvider, model: str) -> None:
        super().__init__(model)
        self._providers = providers

    async def generate(self, request: LlmRequest) -> LlmReply:
        self._providers.requests.append(request)
        if self._providers.error:
            raise self._providers.error
        return LlmReply(
            text="by the model", finish_reason="stop", usage=None, model=self.model, provider="one"
        )


class OneProvider(ScriptedProviders):
    """Keeps what it is asked for; fails by `missing` before it is asked, by `error` when."""

    def __init__(self, error: Exception | None = None, missing: LlmError | None = None) -> None:
        super().__init__()
        self.error = error
        self.missing = missing
        self.builds: list[dict[str, Any]] = []
        self.requests: list[LlmRequest] = []

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> Any:
        if self.missing:
            raise self.missing
        self.builds.append({"agent_type": agent_type, "model": model, **kwargs})
        return OneLlm(self, model or "default-model")


class Scene:
    def __init__(self, registry: AgentRegistry, **changes: Any) -> None:
        self.registry = registry
        self.providers = changes.pop("providers", OneProvider())
        self.scripts = changes.pop("scripts", ScriptDesk())
        changes.setdefault("settings", ON)
        self.executor = TaskExecutor(
            registry, providers=self.providers, runner=self.scripts, **changes
        )

    @property
    def nothing_ran(self) -> bool:
        return not self.providers.requests and not self.scripts.runs


def task(agent: str = "gpt-4", **metadata: Any) -> AgentTask:
    return AgentTask("t1", "Write the API", "Do it.", agent, metadata=metadata)
