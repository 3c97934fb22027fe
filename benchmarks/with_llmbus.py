"""The work done by llmbus, as an application would use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from pydantic import SecretStr

from benchmarks.contender import Address, Agent, Orchestrator
from benchmarks.task import AGENT, DESCRIPTION, TITLE
from llmbus.producer import Producer, TaskHandle
from llmbus.shared import AgentTask, AgentType
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.redis import RedisStore
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest

__all__ = ["orchestrator", "worker", "worker_with"]

_LANE: Final = AgentType.OPENAI_GPT
_LONGEST_TASK_SECONDS: Final = 600.0
"""No broker's default is shorter: none has a reason to warn."""


@asynccontextmanager
async def orchestrator(address: Address) -> AsyncGenerator[Orchestrator]:
    """The part of `Producer` that is measured."""
    async with Producer("benchmark", settings=_bus_settings(address)) as producer:
        yield _Orchestrator(producer)


def worker(address: Address, concurrency: int, agent: Agent) -> AbstractAsyncContextManager[object]:
    """A whole `Worker`, heartbeats included; only the model is not a real one."""
    settings = StoreSettings(redis_url=SecretStr(address.redis_url), prefix=address.prefix)
    return worker_with(RedisStore(settings), address, concurrency, agent)


def worker_with(
    store: Store, address: Address, concurrency: int, agent: Agent
) -> AbstractAsyncContextManager[object]:
    """The same worker on another store."""
    bus_settings = _bus_settings(address)
    surroundings = Surroundings(
        bus=RabbitmqBus(bus_settings, name="benchmark"),
        store=store,
        providers=_Providers(agent),
        layout=bus_settings.layout,
    )
    return Worker(
        WorkerSettings(lanes=(_LANE.value,), concurrency=concurrency, grace_seconds=0), surroundings
    )


def _bus_settings(address: Address) -> BusSettings:
    return BusSettings(
        amqp_url=SecretStr(address.amqp_url),
        prefix=address.prefix,
        longest_task_seconds=_LONGEST_TASK_SECONDS,
    )


class _Orchestrator:
    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def ask(self, task_id: str) -> str:
        handle = await self._producer.submit(_task(task_id))
        return (await handle.wait()).output

    async def ask_many(self, task_ids: Sequence[str]) -> list[str]:
        handles = await self.submit_many(task_ids)
        return [(await handle.wait()).output for handle in handles]

    async def submit_many(self, task_ids: Sequence[str]) -> list[TaskHandle]:
        return await self._producer.submit_many(_task(task_id) for task_id in task_ids)


def _task(task_id: str) -> AgentTask:
    return AgentTask(task_id, TITLE, DESCRIPTION, AGENT)


class _Providers:
    """Gives `agent` to the worker as its model."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> BaseLlm:
        return _Model(model or "benchmark", self._agent)

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        return True

    async def load(self, agent_type: AgentType | str) -> None: ...

    async def aclose(self) -> None: ...


class _Model(BaseLlm):
    provider = "benchmark"

    def __init__(self, model: str, agent: Agent) -> None:
        super().__init__(model)
        self._agent = agent

    async def generate(self, request: LlmRequest) -> LlmReply:
        assert request.origin is not None
        text = await self._agent.answer(request.origin.task_id)
        return LlmReply(
            text=text, finish_reason="stop", usage=None, model=self.model, provider=self.provider
        )
