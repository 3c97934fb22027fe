"""Everything that lives in one run, and what can be done to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from llmbus.shared import AgentTask
from llmbus.shared.settings import BusSettings
from tests.faults.environment import bus_settings, environment_of, fallback_environment
from tests.faults.gatekeeper import Gatekeeper, Reached
from tests.faults.ground import Broker, Ground
from tests.faults.history import Fact, History
from tests.faults.launcher import Running
from tests.faults.links import Links, Service
from tests.faults.programs import FALLBACK, WORKER, Programs
from tests.faults.redis_process import RedisProcess
from tests.faults.scripts import Scripts
from tests.faults.steps import Step
from tests.faults.watched_provider import WatchedProvider
from tests.support.rabbit_api import Vhost

__all__ = ["RESULTS", "Course", "World"]

RESULTS: Final = "results.jsonl"
"""The file of all results that the application was given."""
_WORKER: Final = "tests.faults.worker_program"
_FALLBACK: Final = "tests.faults.fallback_program"
_ORCHESTRATOR: Final = "tests.faults.orchestrator_program"


@dataclass(frozen=True)
class Course:
    """What of a plan the world must know to be built."""

    stops: frozenset[Step]
    own_broker: bool
    latency_seconds: float
    has_fallback: bool = False
    """Whether fallback consumers run."""


class World(Programs):
    """One run's broker vhost, links, provider and programs, as an async context manager."""

    broker: Broker
    vhost: Vhost
    links: Links
    provider: WatchedProvider
    scripts: Scripts
    settings: BusSettings

    def __init__(self, ground: Ground, history: History, folder: Path, course: Course) -> None:
        super().__init__(history)
        self.ground = ground
        self.folder = folder
        self.tasks: Sequence[AgentTask] = ()
        """What the orchestrator is to submit in this run."""
        self.on_reached: Callable[[Reached], asyncio.Future[None]] | None = None
        self._course = course
        self._orchestrators = 0
        self._resources = AsyncExitStack()
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def redis(self) -> RedisProcess:
        return self.ground.redis

    async def __aenter__(self) -> Self:
        self.broker = await self.ground.broker(own=self._course.own_broker)
        await asyncio.to_thread(self.redis.start)
        await asyncio.to_thread(self.redis.command, "FLUSHALL")
        async with AsyncExitStack() as resources:
            enter = resources.enter_async_context
            self.scripts = resources.enter_context(Scripts(self.folder, self.history))
            self.vhost = await self.broker.api.create_vhost()
            resources.push_async_callback(self.broker.api.delete_vhost, self.vhost)
            self.provider = await enter(
                WatchedProvider(self.history, self._reached, self._course.latency_seconds)
            )
            self.gatekeeper = await enter(
                Gatekeeper(self.folder / "gates.socket", self.history, self._reached)
            )
            self.links = await enter(
                Links(
                    {
                        Service.BROKER: self.vhost.url(self.broker.amqp_url),
                        Service.REDIS: self.redis.url,
                        Service.PROVIDER: self.provider.openai_url,
                    }
                )
            )
            resources.push_async_callback(self._end_programs)
            self.settings = bus_settings(self.vhost.url(self.broker.amqp_url))
            self._resources = resources.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def start_worker(self, name: str) -> None:
        """Return when it takes tasks."""
        await self._start_consumer(name, _WORKER)

    async def start_worker_without_key(self) -> None:
        """One that cannot ask the provider: its tasks are for the fallback."""
        await self._start_consumer(self.next_name(WORKER), _WORKER, OPENAI_API_KEY="")

    async def start_fallback(self, name: str) -> None:
        """Return when it takes tasks."""
        await self._start_consumer(name, _FALLBACK)

    async def start_orchestrator(self, tasks: Sequence[AgentTask]) -> None:
        """Return when it runs; it submits the tasks by itself."""
        self._orchestrators += 1
        file = self.folder / f"{self.orchestrator}-tasks.json"
        file.write_bytes(msgspec.json.encode(list(tasks)))
        await self._start(self.orchestrator, _ORCHESTRATOR, [str(file), str(self.folder / RESULTS)])

    @property
    def orchestrator(self) -> str:
        """The newest one. What it is called on the bus stays the same."""
        return f"orchestrator{self._orchestrators}"

    async def replace(self, who: str) -> None:
        """Start another program of the same kind."""
        start = self.start_fallback if who.startswith(FALLBACK) else self.start_worker
        await start(self.next_name(FALLBACK if who.startswith(FALLBACK) else WORKER))

    async def _start_consumer(self, name: str, module: str, **changed: str) -> None:
        await self._start(name, module, [], **changed)
        await self.until_logged(name, "worker_started")
        self.history.record(Fact.PROCESS_READY, name)

    async def _start(self, name: str, module: str, more: list[str], **changed: str) -> None:
        self.history.record(Fact.PROCESS_STARTED, name)
        environment = await environment_of(name, self.links)
        if self._course.has_fallback:
            environment |= fallback_environment(self.scripts.folder, self.scripts.homes)
        arguments = [str(self.gatekeeper.path), name, *more, *sorted(self._course.stops)]
        program = await self.ground.launcher.start(
            name, module, arguments, environment | changed, self.folder / f"{name}.log"
        )
        self.programs[name] = program
        watcher = asyncio.create_task(self._watch(program))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, program: Running) -> None:
        await program.ended.wait()
        self.history.record(Fact.PROCESS_ENDED, program.name, number=program.code or 0)

    async def _reached(self, at: Reached) -> None:
        if at.step is Step.SCRIPT:
            self.scripts.watch(at)
        if self.on_reached is not None:
            await asyncio.shield(self.on_reached(at))

    async def _end_programs(self) -> None:
        for program in self.programs.values():
            program.send(signal.SIGKILL)
        for program in self.programs.values():
            await program.ended.wait()
        await asyncio.gather(*self._watchers)
