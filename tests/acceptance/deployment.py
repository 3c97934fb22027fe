"""One deployment of llmbus for one test: settings, programs, an orchestrator in this process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from llmbus.producer import Producer, TaskHandle
from llmbus.shared import AgentTask, ExecutionResult
from llmbus.shared.settings import BusSettings
from tests.support.openai_server import OpenAiServer
from tests.support.programs import PATIENCE_SECONDS, Program, Programs

__all__ = ["KEY", "LANE", "Deployment", "HeldOpenAi", "results_of", "task"]

LANE: Final = "openai-gpt"
KEY: Final = "sk-acceptance-0123456789abcdef"


def task(task_id: str, **fields: Any) -> AgentTask:
    """A task for the lane; the text that the provider sees names it."""
    values: dict[str, Any] = {"title": f"Title of {task_id}", "agent": "gpt-4"} | fields
    return AgentTask(task_id=task_id, description=f"<{task_id}>", **values)


async def results_of(handles: Iterable[TaskHandle]) -> list[ExecutionResult]:
    return [await handle.wait(PATIENCE_SECONDS) for handle in handles]


def environment_for(settings: BusSettings, redis_url: str, prefix: str) -> dict[str, str]:
    return {
        "LLMBUS_AMQP_URL": settings.amqp_url.get_secret_value(),
        "LLMBUS_REDIS_URL": redis_url,
        "LLMBUS_PREFIX": prefix,
        "LLMBUS_CLAIM_SECONDS": "2",  # so that no test waits long for a worker that it killed
        "LLMBUS_CONNECT_TIMEOUT_SECONDS": f"{settings.connect_timeout_seconds:g}",
        "LLMBUS_PUBLISH_TIMEOUT_SECONDS": f"{settings.publish_timeout_seconds:g}",
        "LLMBUS_RETRY_DELAYS_SECONDS": ",".join(
            f"{delay:g}" for delay in settings.retry_delays_seconds
        ),
    }


@dataclass(frozen=True)
class Deployment:
    """Where everything is, for this process and for the programs that it starts."""

    settings: BusSettings
    programs: Programs
    folder: Path

    def producer(self, name: str = "acceptance") -> Producer:
        return Producer(name, settings=self.settings)

    def scripts(self, **scripts: dict[str, Any]) -> Path:
        """A file for --scripted; `default` is for the tasks that are not named."""
        number = len(list(self.folder.glob("scripts-*")))
        file = self.folder / f"scripts-{number}.json"
        file.write_bytes(msgspec.json.encode(scripts))
        return file

    async def start_worker(self, *arguments: str | Path, **settings: str) -> Program:
        """A worker of the lane that may only just begin to connect."""
        return await self.programs.llmbus("worker", "--lanes", LANE, *arguments, **settings)

    async def worker(self, name: str, *arguments: str | Path, **settings: str) -> Program:
        """A worker that is ready and takes tasks."""
        started = await self.start_worker(*arguments, LLMBUS_WORKER_ID=name, **settings)
        await started.until_logged("worker_started")
        return started

    async def workers(
        self, names: Iterable[str], *arguments: str | Path, **settings: str
    ) -> list[Program]:
        """Several that are ready; they start side by side."""
        starting = (self.worker(name, *arguments, **settings) for name in names)
        return list(await asyncio.gather(*starting))

    async def ended(self, *arguments: str | Path, **settings: str) -> Program:
        """A command that has run to its end."""
        program = await self.programs.llmbus(*arguments, **settings)
        await program.exit_code()
        return program


class HeldOpenAi(OpenAiServer):
    """Counts every paid call by task. While `gate` is closed, only the first `free_calls` get an
    answer."""

    free_calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def environment(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": KEY}

    @property
    def calls(self) -> Counter[str]:
        """How often each task was paid for."""
        texts = (str(received.body["messages"]) for received in self.received)
        return Counter(text.partition("<")[2].partition(">")[0] for text in texts)

    async def until_called(self, count: int) -> None:
        """Return when that many calls have arrived in all."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.received) < count:
                self.arrived.clear()
                await self.arrived.wait()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._handle(request)
        if len(self.received) > self.free_calls:
            await self.gate.wait()
        return answer
