"""The worker processes of the model."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from llmbus.shared.bus.memory import MemoryBroker
from llmbus.shared.clock import Clock
from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.interface import Store
from llmbus.shared.topology import Layout
from llmbus.worker import Surroundings, Worker, WorkerSettings
from llmbus.worker.events import Event, TaskHandedOver
from tests.model.journal import Journal, Span
from tests.model.process import Process
from tests.model.process_bus import ProcessBus
from tests.model.process_store import ProcessStore, Shelf
from tests.model.provider import HeldCalls, ModelProviders

__all__ = ["CLAIM_SECONDS", "GRACE_SECONDS", "LANE", "MAX_CRASHES", "WorkerProcess"]

LANE: Final = "openai-gpt"
CLAIM_SECONDS: Final = 3.0
GRACE_SECONDS: Final = 3.0
MAX_CRASHES: Final = 3


class WorkerProcess:
    """One `Worker` in a process of its own."""

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
        self._journal = journal
        self._broker = broker
        self._bus = ProcessBus(broker, self.process, journal)
        self._stop = asyncio.Event()
        surroundings = Surroundings(
            bus=self._bus,
            store=cast("Store", ProcessStore(shelf, journal, self.process)),
            providers=ModelProviders(self.process, calls),
            layout=layout,
            clock=clock,
            observer=self._observe,
        )
        self.worker = Worker(_settings(name), surroundings)
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
        if self._bus.is_open:
            self._broker.disconnect(self._bus)

    def lose_connection(self) -> None:
        """It comes back at once."""
        self._bus.lost()
        self._bus.restored()

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
        if isinstance(event, TaskHandedOver):
            self._journal.hand_overs.append(_now())
        place = f"{event.task_id}, attempt {event.attempt}"
        self._journal.tell(_now(), f"    {self.name}: {event.name} ({place})")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _settings(name: str) -> WorkerSettings:
    return WorkerSettings(
        worker_id=name,
        lanes=(LANE,),
        concurrency=2,
        grace_seconds=GRACE_SECONDS,
        claim_seconds=CLAIM_SECONDS,
        max_crashes=MAX_CRASHES,
        hand_over_seconds=8.0,
        task_timeout_seconds=40.0,
        fallback_after_retries=False,
    )
