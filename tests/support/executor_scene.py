"""A `TaskExecutor` between a provider and scripts that do as they are told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from llmbus.shared import AgentRegistry, AgentTask, AgentType
from llmbus.worker import TaskExecutor
from llmbus.worker.direct_path import DirectPathSettings
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest, ScriptedProviders
from llmbus.worker.llm_abstractions.errors import LlmError
from tests.support.script_desk import ScriptDesk

__all__ = ["OFF", "ON", "HeldProvider", "OneProvider", "Scene", "task"]

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


class HeldLlm(BaseLlm):
    provider = "held"

    def __init__(self, providers: HeldProvider) -> None:
        super().__init__("held")
        self._providers = providers

    async def generate(self, request: LlmRequest) -> LlmReply:
        assert request.origin is not None
        task_id = request.origin.task_id
        await self._providers.hold(task_id)
        return LlmReply(
            text=task_id, finish_reason="stop", usage=None, model="held", provider="held"
        )


class HeldProvider(ScriptedProviders):
    """Answers nobody until `release` says so, and counts who is there at once."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self._expected = expected
        self._released = defaultdict[str, asyncio.Event](asyncio.Event)
        self.arrived: list[str] = []
        self.here = defaultdict[str, asyncio.Event](asyncio.Event)
        self.hung_up: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.all_arrived = asyncio.Event()
        """Set once as many as are expected are there at the same time."""

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> Any:
        return HeldLlm(self)

    def release(self, *task_ids: str) -> None:
        for task_id in task_ids:
            self._released[task_id].set()

    async def hold(self, task_id: str) -> None:
        self.arrived.append(task_id)
        self.here[task_id].set()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.in_flight == self._expected:
            self.all_arrived.set()
        try:
            await self._released[task_id].wait()
        except asyncio.CancelledError:
            self.hung_up.append(task_id)
            raise
        finally:
            self.in_flight -= 1


class Scene:
    def __init__(self, registry: AgentRegistry, **changes: Any) -> None:
        self.registry = registry
        self.providers = changes.pop("providers", OneProvider())
        self.scripts = changes.pop("scripts", ScriptDesk())
        changes.setdefault("settings", ON)
        self.executor = TaskExecutor(
            registry, providers=self.providers, make_runner=self.scripts.in_environment, **changes
        )

    @property
    def nothing_ran(self) -> bool:
        return not self.providers.requests and not self.scripts.runs


def task(agent: str = "gpt-4", **metadata: Any) -> AgentTask:
    return AgentTask("t1", "Write the API", "Do it.", agent, metadata=metadata)
