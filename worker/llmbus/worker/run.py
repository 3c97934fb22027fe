"""One task in this process, from hand-over to settlement, whatever becomes of its deliveries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from llmbus.shared.bus.interface import Delivery, Message
from llmbus.shared.errors import DeliveryLostError
from llmbus.shared.task import AgentTask
from llmbus.worker.outcome import Parked

__all__ = ["Run", "RunKey"]


class RunKey(NamedTuple):
    """What makes two messages ask for the same run."""

    task_id: str
    submission: str
    """One per `submit`: its publishes share it when the broker's confirmation was late."""
    attempt: int
    """A retry that comes due early is another run."""


@dataclass(slots=True, eq=False)
class Run:
    """The work outlives its deliveries: when a connection breaks, the broker hands the message over
    again, and the newer delivery takes the dead one's place while the paid call goes on."""

    key: RunKey
    lane: str
    message: Message
    task: AgentTask | Parked
    """The task, or why its body cannot be used."""
    started: bool = False
    answering: bool = False
    """The run has ended and its consequences are being published: who asks now asks anew."""
    confirmed: bool = False
    """The broker has confirmed what follows from the outcome: only the ack is missing."""
    work: asyncio.Task[None] | None = None
    _deliveries: dict[str, Delivery] = field(default_factory=dict[str, Delivery])

    def adopt(self, delivery: Delivery) -> None:
        """Settle this delivery, too, when the run ends. A redelivery replaces its predecessor."""
        self._deliveries[delivery.message_id] = delivery

    async def ack(self) -> None:
        """The task is dealt with. A delivery that is lost comes again and is then known."""
        while self._deliveries:
            _, delivery = self._deliveries.popitem()
            try:
                await delivery.ack()
            except DeliveryLostError:
                continue

    async def nack(self) -> None:
        """Return the task to its queue; what is lost returns by itself."""
        while self._deliveries:
            _, delivery = self._deliveries.popitem()
            try:
                await delivery.nack()
            except DeliveryLostError:
                continue
