"""A consumer on a queue, and the deliveries it has taken and not settled."""

from __future__ import annotations

import logging
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Protocol

from llmbus.shared.bus.interface import Message, OnDelivery
from llmbus.shared.bus.memory.queue import MemoryQueue, QueuedMessage
from llmbus.shared.errors import DeliveryLostError

__all__ = ["Consumer", "MemoryDelivery"]

PAUSE_AFTER_FAILED_HAND_OVER: Final = timedelta(seconds=1)
_log = logging.getLogger("llmbus.bus")


class _State(Enum):
    OPEN = auto()
    SETTLED = auto()
    LOST = auto()


class Holder(Protocol):
    """What took a delivery and counts it until it is settled."""

    @property
    def queue(self) -> MemoryQueue: ...

    def forget(self, delivery: MemoryDelivery) -> None: ...


class MemoryDelivery:
    """One hand-over, settled once by one of the three methods (see `Delivery`)."""

    __slots__ = ("_holder", "_queued", "_redelivered", "_state")

    def __init__(self, holder: Holder, queued: QueuedMessage) -> None:
        self._holder = holder
        self._queued = queued
        self._redelivered = queued.redelivered
        self._state = _State.OPEN

    @property
    def message(self) -> Message:
        return self._queued.message

    @property
    def message_id(self) -> str:
        return self._queued.message_id

    @property
    def queue(self) -> str:
        return self._holder.queue.spec.name

    @property
    def routing_key(self) -> str:
        return self._queued.routing_key

    @property
    def redelivered(self) -> bool:
        return self._redelivered

    async def ack(self) -> None:
        self._settle()

    async def nack(self) -> None:
        self._settle()
        self._holder.queue.put_back(self._queued)

    async def reject(self) -> None:
        self._settle()
        self._holder.queue.dead_letter(self._queued)

    def lose(self) -> None:
        """The connection is gone: the message goes back, this handle is dead."""
        self._state = _State.LOST
        self._holder.queue.put_back(self._queued)

    def return_if_open(self) -> None:
        """What `nack` does, unless the delivery has been settled or lost."""
        if self._state is _State.OPEN:
            self._settle()
            self._holder.queue.put_back(self._queued)

    def __repr__(self) -> str:
        return f"<delivery of {self.message.correlation_id!r} from {self.queue!r}>"

    def _settle(self) -> None:
        if self._state is _State.LOST:
            raise DeliveryLostError(
                f"the connection of {self!r} is gone; the broker hands the message over again"
            )
        if self._state is _State.SETTLED:
            raise RuntimeError(f"{self!r} was settled before: settle a delivery once")
        self._state = _State.SETTLED
        self._holder.forget(self)


class Consumer:
    """Takes from one queue while attached, at most `prefetch` unsettled deliveries at a time."""

    def __init__(self, queue: MemoryQueue, prefetch: int, on_delivery: OnDelivery) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._on_delivery = on_delivery
        self._unsettled: dict[MemoryDelivery, None] = {}
        self._is_attached = False
        self._is_cancelled = False

    @property
    def queue(self) -> MemoryQueue:
        return self._queue

    @property
    def is_finished(self) -> bool:
        """Whether nothing can come of this consumer any more."""
        return self._is_cancelled and not self._unsettled

    @property
    def is_attached(self) -> bool:
        return self._is_attached

    @property
    def has_room(self) -> bool:
        return len(self._unsettled) < self._prefetch

    def attach(self) -> None:
        if not self._is_attached:
            self._is_attached = True
            self.queue.attach(self)

    def cancel(self) -> None:
        """Never take anything again. What was taken stays valid."""
        self._is_cancelled = True
        self.detach()

    def detach(self) -> None:
        """Take nothing until attached again. What was taken stays valid."""
        if self._is_attached:
            self._is_attached = False
            self.queue.detach(self)

    def lose_deliveries(self) -> None:
        lost, self._unsettled = self._unsettled, {}
        for delivery in lost:
            delivery.lose()

    def forget(self, delivery: MemoryDelivery) -> None:
        """The delivery is settled, so there is room for another one."""
        del self._unsettled[delivery]
        self.queue.wake()

    def take(self, queued: QueuedMessage) -> None:
        delivery = MemoryDelivery(self, queued)
        self._unsettled[delivery] = None
        try:
            self._on_delivery(delivery)
        except Exception:
            _log.exception("%r was not taken over; it goes back to its queue", delivery)
            # Returned at once it would come again at once, and fail again, without end.
            self.queue.agenda.add_after(PAUSE_AFTER_FAILED_HAND_OVER, delivery.return_if_open)
