"""One task in this process, from hand-over to settlement, whatever becomes of its deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from llmbus.shared.bus.interface import Delivery, Message
from llmbus.shared.errors import DeliveryLostError
from llmbus.shared.store.claims import Claim, StoredResult
from llmbus.shared.task import AgentTask
from llmbus.worker.outcome import Outcome, Parked

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
    """Under which a retry comes back; also a label of the events."""
    queue: str
    """From which the task was taken."""
    return_key: str
    """Under which a message comes back to that queue."""
    message: Message
    task: AgentTask | Parked
    """The task, or why its body cannot be used."""
    started: bool = False
    answering: bool = False
    """The run has ended and its consequences are being published: who asks now asks anew."""
    returned: bool = False
    """Its messages go back to their queue. Whatever comes from there belongs to another run: this
    one would return it for ever."""
    confirmed: bool = False
    """The broker has confirmed what follows from the outcome: only the ack is missing."""
    earlier: Run | None = None
    """The run of the same task that was here when this one came."""
    success: StoredResult | None = None
    """The answer, once it is published: it answers every submission of the task."""
    claim: Claim | None = None
    """The right to run it, where the store gave one."""
    claim_asked_at: float = 0.0
    """When that was asked for, or last renewed, by the event loop's clock."""
    stopped_as: Outcome | None = None
    """What the run was ended for before its time; None while nobody stops it."""
    work: asyncio.Task[None] | None = None
    _deliveries: dict[str, tuple[Delivery, float]] = field(
        default_factory=dict[str, tuple[Delivery, float]]
    )
    """By message id; since when, by the event loop's clock."""

    def adopt(self, delivery: Delivery) -> None:
        """Settle this delivery, too, when the run ends. A redelivery replaces its predecessor."""
        since = asyncio.get_running_loop().time()
        self._deliveries[delivery.message_id] = delivery, since

    @property
    def place(self) -> tuple[str, str, int]:
        """What every event says of the task: its id, lane and attempt."""
        return self.key.task_id, self.lane, self.key.attempt

    def stop(self, outcome: Outcome) -> None:
        """End the run as this outcome. What is answering already has been paid for, and goes on."""
        if self.work is not None and self.stopped_as is None and not self.answering:
            self.stopped_as = outcome
            self.work.cancel()

    @property
    def deliveries(self) -> list[Delivery]:
        """What is not settled yet."""
        return [delivery for delivery, _ in self._deliveries.values()]

    def unsettled_for(self, time: timedelta) -> list[Delivery]:
        """The deliveries that were handed over longer ago than that."""
        latest = asyncio.get_running_loop().time() - time.total_seconds()
        return [delivery for delivery, since in self._deliveries.values() if since <= latest]

    async def ack(self, only: Collection[Delivery] | None = None) -> None:
        """The task is dealt with: settle these deliveries, or all of them. One that is lost comes
        again and is then known."""
        for delivery in self._let_go(only):
            with suppress(DeliveryLostError):
                await delivery.ack()

    async def nack(self) -> None:
        """Return the task to its queue; what is lost returns by itself."""
        self.returned = True
        for delivery in self._let_go(None):
            with suppress(DeliveryLostError):
                await delivery.nack()

    def _let_go(self, only: Collection[Delivery] | None) -> Iterator[Delivery]:
        """One by one: whatever is not settled when this is interrupted is still ours, and what is
        adopted meanwhile is settled, too."""
        while (message_id := self._one_of(only)) is not None:
            yield self._deliveries.pop(message_id)[0]

    def _one_of(self, only: Collection[Delivery] | None) -> str | None:
        for message_id, (delivery, _) in self._deliveries.items():
            if only is None or delivery in only:
                return message_id
        return None
