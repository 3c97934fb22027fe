"""A worker process of the soak: `python -m tests.load.worker_program`.

The real worker, set up by LLMBUS_ variables, on a scripted provider that counts its calls. Each
line on stdin is answered with a `Pulse` on stdout: nobody outside can count asyncio tasks. It
drains and ends when stdin does, so nothing stays running whatever happens to the soak.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

import msgspec

from llmbus.shared import AgentType
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.shared.store.redis import RedisStore
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest

__all__ = ["Pulse"]

_LATENCY_SECONDS: Final = 0.02


class Pulse(msgspec.Struct, frozen=True):
    """What a worker process says about itself."""

    asyncio_tasks: int
    calls: int
    """To the provider, since the start. A number and no list of ids: that would grow."""


class _CountingLlm(BaseLlm):
    provider = "soak"

    def __init__(self, counter: _Counter, model: str) -> None:
        super().__init__(model)
        self._counter = counter

    async def generate(self, request: LlmRequest) -> LlmReply:
        self._counter.calls += 1
        await asyncio.sleep(_LATENCY_SECONDS)
        assert request.origin is not None
        text = f"Answer to {request.origin.task_id}"
        return LlmReply(
            text=text, finish_reason="stop", usage=None, model=self.model, provider=self.provider
        )


class _Counter:
    """The providers of this process, which share one count."""

    def __init__(self) -> None:
        self.calls = 0

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **_kwargs: Any
    ) -> BaseLlm:
        return _CountingLlm(self, model or "soak")

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        return True

    async def load(self, agent_type: AgentType | str) -> None: ...

    async def aclose(self) -> None: ...


async def _serve() -> None:
    settings, counter = BusSettings(), _Counter()
    surroundings = Surroundings(
        bus=RabbitmqBus(settings, name="soak"),
        store=RedisStore(StoreSettings()),
        providers=counter,
        layout=settings.layout,
    )
    async with Worker(WorkerSettings(), surroundings):
        _say(counter)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while await reader.readline():
            _say(counter)


def _say(counter: _Counter) -> None:
    pulse = Pulse(len(asyncio.all_tasks()), counter.calls)
    sys.stdout.buffer.write(msgspec.json.encode(pulse) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(_serve())  # noqa: TID251  the program's entry point
