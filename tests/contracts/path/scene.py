"""A small fleet on one transport, and a provider whose calls the test counts and holds back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

import pytest

from llmbus.producer import Producer
from llmbus.shared import AgentTask, AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import SystemClock
from llmbus.shared.ladder import RetryLadder
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.topology import Layout
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.events import Event
from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmReply,
    LlmRequest,
    Providers,
    Script,
    ScriptedProviders,
)
from llmbus.worker.subprocess_path import ScriptSettings
from tests.contracts.bus.transports import Transport

LANE: Final = "openai-gpt"
PATIENCE_SECONDS: Final = 15.0
LADDER: Final = RetryLadder((timedelta(milliseconds=50), timedelta(milliseconds=100)))

SomeEvent = TypeVar("SomeEvent", bound=Event)


def task(task_id: str = "t1", **fields: Any) -> AgentTask:
    script = fields.pop("script", None)
    metadata = {"script": script} if script else {}
    values: dict[str, Any] = {
        "title": f"Title of {task_id}",
        "description": "Say hello.",
        "agent": "gpt-4",
        "metadata": metadata,
    }
    return AgentTask(task_id, **(values | fields))


class CountedProviders(ScriptedProviders):
    """Scripted, and it knows how often each task was paid for. While `gate` is closed, calls that
    have begun do not end."""

    def __init__(self, scripts: Mapping[str, Script] | None = None) -> None:
        super().__init__(scripts or {})
        self.calls: Counter[str] = Counter()
        self.order: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.answered = asyncio.Semaphore(0)

    async def all_answered(self, count: int) -> None:
        """Returns in the turn of the loop in which the last of so many calls has ended."""
        for _ in range(count):
            await self.answered.acquire()

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> Any:
        return _CountedLlm(self, super().get_provider(agent_type, model, **kwargs))


class _CountedLlm(BaseLlm):
    provider = "counted"

    def __init__(self, counts: CountedProviders, scripted: BaseLlm) -> None:
        super().__init__(scripted.model)
        self._counts = counts
        self._scripted = scripted

    async def generate(self, request: LlmRequest) -> LlmReply:
        assert request.origin is not None
        self._counts.calls[request.origin.task_id] += 1
        self._counts.order.append(request.origin.task_id)
        await self._counts.gate.wait()
        reply = await self._scripted.generate(request)
        self._counts.answered.release()
        return reply


class Events:
    """An observer that the test can wait on."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._wake = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.all.append(event)
        self._wake.set()

    def of(self, kind: type[SomeEvent]) -> list[SomeEvent]:
        return [event for event in self.all if isinstance(event, kind)]

    async def wait_for(self, kind: type[SomeEvent], count: int = 1) -> list[SomeEvent]:
        """The first `count` events of that kind, once they have happened."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(self.of(kind)) < count:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            pytest.fail(f"{count} {kind.__name__} did not come; there were: {self.all}")
        return self.of(kind)[:count]


@dataclass
class Scene:
    """Everything that one test needs of the bus."""

    transport: Transport
    layout: Layout = field(default_factory=lambda: Layout(ladder=LADDER))
    providers: CountedProviders = field(default_factory=CountedProviders)
    events: Events = field(default_factory=Events)
    store: MemoryStore = field(default_factory=lambda: MemoryStore(SystemClock()))

    def new_bus(self) -> Bus:
        return self.transport.new_bus()

    def producer(self, name: str = "orchestrator") -> Producer:
        return Producer(name, bus=self.new_bus(), layout=self.layout, store=self.store)

    def worker(
        self,
        *,
        providers: Providers | None = None,
        scripts: ScriptSettings | None = None,
        **settings: Any,
    ) -> AbstractAsyncContextManager[Worker]:
        """Of one lane; with `scripts` it serves the fallback queue, too."""
        values: dict[str, Any] = {"lanes": LANE, "concurrency": 2} | settings
        surroundings = Surroundings(
            bus=self.new_bus(),
            store=self.store,
            providers=providers or self.providers,
            layout=self.layout,
            observer=self.events,
            scripts=scripts,
        )
        return Worker(WorkerSettings(**values), surroundings)

    def fallback(
        self, scripts: ScriptSettings, **settings: Any
    ) -> AbstractAsyncContextManager[Worker]:
        """A worker that serves the fallback queue and no lane."""
        return self.worker(scripts=scripts, lanes="", **settings)
