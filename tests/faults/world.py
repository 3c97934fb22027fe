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
from tests.faults.environment import bus_settings, environment_of
from tests.faults.gatekeeper import Gatekeeper, Reached
from tests.faults.ground import Broker, Ground
from tests.faults.history import Fact, History
from tests.faults.launcher import Running
from tests.faults.links import Links, Service
from tests.faults.redis_process import RedisProcess
from tests.faults.steps import Step
from tests.faults.watched_provider import WatchedProvider
from tests.support.rabbit_api import Vhost

__all__ = ["RESULTS", "Course", "World"]

RESULTS: Final = "results.jsonl"
"""The file of all results that the application was given."""
_LOOK_SECONDS: Final = 0.01
_WORKER: Final = "tests.faults.worker_program"
_ORCHESTRATOR: Final = "tests.faults.orchestrator_program"


@dataclass(frozen=True)
class Course:
    """What of a plan the world must know to be built."""

    stops: frozenset[Step]
    own_broker: bool
    latency_seconds: float


class World:
    """One run's broker vhost, links, provider and programs, as an async context manager."""

    broker: Broker
    vhost: Vhost
    links: Links
    provider: WatchedProvider
    settings: BusSettings

    def __init__(self, ground: Ground, history: History, folder: Path, course: Course) -> None:
        self.ground = ground
        self.history = history
        self.folder = folder
        self.programs: dict[str, Running] = {}
        self.tasks: Sequence[AgentTask] = ()
        """What the orchestrator is to submit in this run."""
        self.on_reached: Callable[[Reached], asyncio.Future[None]] | None = None
        self._course = course
        self._orchestrators = 0
        self._last_worker = 0
        self._told_to_stop: set[str] = set()
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
        await self._start(name, _WORKER, [])
        await self.until_logged(name, "worker_started")
        self.history.record(Fact.PROCESS_READY, name)

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

    def next_worker_name(self) -> str:
        """One that no worker of this run has had, nor will have."""
        started = sum(name.startswith("w") for name in self.programs)
        self._last_worker = max(started, self._last_worker) + 1
        return f"w{self._last_worker}"

    def live_workers(self) -> list[str]:
        """Those that have not ended."""
        return [name for name in self.programs if name.startswith("w") and self.lives(name)]

    def consuming_workers(self) -> list[str]:
        """Those of them that nobody has told to stop."""
        return [name for name in self.live_workers() if name not in self._told_to_stop]

    def lives(self, name: str) -> bool:
        """Whether the process is there, frozen or not."""
        return name in self.programs and not self.programs[name].ended.is_set()

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.history.record(Fact.KILLED, name)
        self.programs[name].send(signal.SIGKILL)

    def tell_to_stop(self, name: str) -> None:
        """SIGTERM."""
        self._told_to_stop.add(name)
        self.history.record(Fact.TOLD_TO_STOP, name)
        self.programs[name].send(signal.SIGTERM)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.history.record(Fact.FROZEN, name)
        self.programs[name].send(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.history.record(Fact.THAWED, name)
        self.programs[name].send(signal.SIGCONT)

    async def until_logged(self, name: str, event: str, seconds: float = 30.0) -> None:
        """Return when the program has logged that, has ended, or was waited for in vain, which
        goes into the history."""
        program = self.programs[name]
        wanted = f'"{event}"'.encode()
        try:
            async with asyncio.timeout(seconds):
                while not program.ended.is_set() and not program.has_written(wanted):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            self.history.record(Fact.OUT_OF_TIME, name, note=f"{name} did not log {event}")

    async def _start(self, name: str, module: str, more: list[str]) -> None:
        self.history.record(Fact.PROCESS_STARTED, name)
        environment = await environment_of(name, self.links)
        arguments = [str(self.gatekeeper.path), name, *more, *sorted(self._course.stops)]
        program = await self.ground.launcher.start(
            name, module, arguments, environment, self.folder / f"{name}.log"
        )
        self.programs[name] = program
        watcher = asyncio.create_task(self._watch(program))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, program: Running) -> None:
        await program.ended.wait()
        self.history.record(Fact.PROCESS_ENDED, program.name, number=program.code or 0)

    async def _reached(self, at: Reached) -> None:
        if self.on_reached is not None:
            await asyncio.shield(self.on_reached(at))

    async def _end_programs(self) -> None:
        for program in self.programs.values():
            program.send(signal.SIGKILL)
        for program in self.programs.values():
            await program.ended.wait()
        await asyncio.gather(*self._watchers)
