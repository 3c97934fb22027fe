"""Operators who send back what stands in parking."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from llmbus.ops.parking.pace import Pace
from llmbus.ops.parking.redrive import Redrive
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.memory import MemoryBroker
from llmbus.shared.clock import Clock
from llmbus.shared.errors import LlmbusError
from llmbus.shared.topology import Layout
from tests.model.journal import Journal
from tests.model.process import Process
from tests.model.process_bus import ProcessBus

__all__ = ["OperatorProcess"]


class OperatorProcess:
    """`llmbus parking redrive`, once."""

    def __init__(
        self, broker: MemoryBroker, layout: Layout, clock: Clock, journal: Journal
    ) -> None:
        self.process = Process("the operator")
        self._broker = broker
        self._journal = journal
        self._bus = ProcessBus(broker, self.process, journal)
        redrive = Redrive(Parking(self._bus, layout, clock), ParkingFilter(), None, Pace(0))
        self._errand = self.process.spawn(self._send_back(redrive))

    @property
    def is_over(self) -> bool:
        return self._errand.done()

    def kill(self) -> None:
        self.process.kill()
        if self._bus.is_open:
            self._broker.disconnect(self._bus)

    async def _send_back(self, redrive: Redrive) -> None:
        try:
            async with self._bus, aclosing(redrive.carry_out()) as steps:
                async for step in steps:
                    self._tell(f"{step.parked.task_id} goes to {step.to} {step.problem}")
        except LlmbusError as error:
            self._tell(str(error))

    def _tell(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        self._journal.tell(now, f"    {self.process.name}: {what}")
