"""What a run works with: a producer, an executor and, embedded, a worker."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmbus.producer import BusExecutor, Producer, TaskExecution
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.result import ExecutionResult
from llmbus.shared.settings import BusSettings, read_settings
from llmbus.shared.task import AgentTask
from llmbus.worker.embedded import embedded_worker
from llmbus.worker.events import Observer
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.usable import configured_providers
from llmbus.worker.worker import Worker

__all__ = ["RunParts", "embedded_parts", "parts_on_rabbitmq"]

_EMBEDDED_NAME = "llmbus-run"


@dataclass(frozen=True)
class RunParts:
    """Opened and closed by the run."""

    producer: Producer
    on_the_bus: BusExecutor
    executor: TaskExecution
    """That the project runs on: on a bus in memory, nothing outlives the process."""
    worker: Worker | None = None

    def check(self, task: AgentTask) -> None:
        """Raise what is wrong with the task before anything is sent."""
        for sent in self.on_the_bus.sent_for(task):
            self.producer.check(sent)


class _InProcess:
    """The executor over a bus in memory, where no task and no result outlives the process."""

    def __init__(self, executor: BusExecutor) -> None:
        self._executor = executor

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        return await self._executor.execute(task, agent, mode)


def parts_on_rabbitmq(name: str | None, state_path: Path) -> RunParts:
    """Workers elsewhere do the work."""
    producer = Producer(name or _name_for(state_path), settings=read_settings(BusSettings))
    executor = BusExecutor(producer)
    return RunParts(producer, executor, executor)


def embedded_parts(
    tasks: Iterable[AgentTask], scripted: Path | None, concurrency: int | None, observer: Observer
) -> RunParts:
    """Broker and worker are in this process."""
    broker = MemoryBroker()
    layout = read_settings(BusSettings).layout
    producer = Producer(_EMBEDDED_NAME, bus=MemoryBus(broker), layout=layout)
    executor = BusExecutor(producer)
    sent = (each for task in tasks for each in executor.sent_for(task))
    settings = read_settings(
        WorkerSettings,
        lanes=tuple(dict.fromkeys(producer.lane_of(task) for task in sent)),
        scripted=scripted,
        concurrency=concurrency,
        grace_seconds=0.0,
        # A scripted failure is meant to be seen, and no other path would end differently.
        fallback_after_retries=False if scripted else None,
    )
    worker = embedded_worker(
        settings,
        broker,
        configured_providers(settings.scripted),
        layout=layout,
        observer=observer,
        scripts=read_settings(ScriptSettings),
    )
    return RunParts(producer, executor, _InProcess(executor), worker)


def _name_for(state_path: Path) -> str:
    """The same for every run of one project, and another one for every other project: two runs
    under one name would take each other's results."""
    whole = hashlib.sha256(str(state_path.resolve()).encode()).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", state_path.stem)[:60].strip("-")
    return f"llmbus-run.{readable}.{whole[:8]}"
