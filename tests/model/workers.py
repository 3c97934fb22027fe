"""The worker processes of the model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, cast

from llmbus.shared.bus.memory import MemoryBroker
from llmbus.shared.clock import Clock
from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.interface import Store
from llmbus.shared.topology import Layout
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.events import Event, TaskInterrupted
from llmbus.worker.subprocess_path import ScriptSettings
from tests.model.held_calls import LONGEST_CALL_SECONDS, HeldCalls
from tests.model.journal import Journal, Span
from tests.model.process import Process
from tests.model.process_bus import ProcessBus
from tests.model.process_store import ProcessStore, Shelf
from tests.model.provider import ModelProviders, ModelScripts
from tests.model.runs import this_run

__all__ = [
    "CLAIM_SECONDS",
    "GRACE_SECONDS",
    "HAND_OVER_SECONDS",
    "LANE",
    "MAX_CRASHES",
    "WorkerProcess",
]

LANE: Final = "openai-gpt"
CLAIM_SECONDS: Final = 3.0
GRACE_SECONDS: Final = 10.0
HAND_OVER_SECONDS: Final = 8.0
MAX_CRASHES: Final = 2
_SETTINGS: Final = WorkerSettings(
    lanes=(LANE,),
    concurrency=2,
    grace_seconds=GRACE_SECONDS,
    claim_seconds=CLAIM_SECONDS,
    max_crashes=MAX_CRASHES,
    hand_over_seconds=HAND_OVER_SECONDS,
    task_timeout_seconds=LONGEST_CALL_SECONDS,
)
_SCRIPTS: Final = ScriptSettings(fallback_timeout_seconds=LONGEST_CALL_SECONDS)


class WorkerProcess:
    """One `Worker` in a process of its own. It serves its lane and the fallback queue."""

    def __init__(
        self,
        name: str,
        broker: MemoryBroker,
        shelf: Shelf,
        calls: HeldCalls,
        layout: Layout,
        clock: Clock,
        journal: Journal,
    ) -> None:
        self.process = Process(name)
        self.is_draining = False
        self.started_at = _now()
        self._journal = journal
        self._broker = broker
        self.bus = ProcessBus(broker, self.process, journal)
        self._stop = asyncio.Event()

        def scripts(
            settings: ScriptSettings, clock: Clock, environment: Mapping[str, str]
        ) -> ModelScripts:
            return ModelScripts(calls, settings, clock)

        surroundings = Surroundings(
            bus=self.bus,
            store=cast("Store", ProcessStore(shelf, journal, self.process)),
            providers=ModelProviders(calls),
            layout=layout,
            clock=clock,
            observer=self._observe,
            scripts=_SCRIPTS,
            make_script_path=scripts,
        )
        self.worker = Worker(_SETTINGS.model_copy(update={"worker_id": name}), surroundings)
        self._life = self.process.spawn(self._live())

    @property
    def name(self) -> str:
        return self.process.name

    @property
    def is_over(self) -> bool:
        return self._life.done()

    @property
    def is_serving(self) -> bool:
        """Alive, awake, and not about to stop."""
        return not (self.is_over or self.is_draining or self.process.is_frozen)

    def drain(self) -> None:
        """SIGTERM."""
        self.is_draining = True
        self._journal.drained.setdefault(self.process, _now())
        self.process.call(self._stop.set)

    def hurry(self) -> None:
        """A second SIGTERM."""
        self._journal.hurried.setdefault(self.process, _now())
        self.process.call(self.worker.hurry)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._journal.frozen.setdefault(self.process, []).append(Span(_now()))
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._journal.frozen[self.process][-1].end = _now()
        self.process.thaw()

    def kill(self) -> None:
        """SIGKILL: the broker sees the connection close, the store sees nothing at all."""
        self._journal.killed[self.process] = _now()
        if self.process.is_frozen:
            self._journal.frozen[self.process][-1].end = _now()
        self.process.kill()
        if self.bus.is_open:
            self._broker.disconnect(self.bus)

    def lose_connection(self) -> None:
        """It comes back at once."""
        self.bus.lost()
        self.bus.restored()

    async def _live(self) -> None:
        try:
            async with self.worker:
                self._journal.tell(_now(), f"{self.name} serves")
                await self._stop.wait()
        except LlmbusError as error:
            self._journal.tell(_now(), f"{self.name} did not start: {error}")
        else:
            self._journal.ended.add(self.process)
            self._journal.tell(_now(), f"{self.name} has ended")

    def _observe(self, event: Event) -> None:
        run = this_run.get()
        if run is not None and isinstance(event, TaskInterrupted):
            run.was_given_back(_now())
        place = f"{event.task_id}, attempt {event.attempt}"
        self._journal.tell(_now(), f"    {self.name}: {event.name} ({place})")


def _now() -> float:
    return asyncio.get_running_loop().time()
