"""One connection to a broker in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, timedelta
from enum import Enum, auto
from functools import partial
from types import TracebackType
from typing import Final, Self

from llmbus.shared.bus.interface import BusCondition, Message, OnDelivery, QueueDepth
from llmbus.shared.bus.memory.broker import MemoryBroker
from llmbus.shared.bus.memory.delivery import Consumer
from llmbus.shared.bus.memory.queue import MemoryQueue
from llmbus.shared.bus.memory.visit import MemoryVisit
from llmbus.shared.errors import BrokerUnreachableError, ClosedError, PublishUnknownError
from llmbus.shared.topology import Topology

__all__ = ["MemoryBus"]

DEFAULT_PUBLISH_TIMEOUT: Final = timedelta(seconds=10)
_PAUSED: Final = "the broker in memory is paused"


class _State(Enum):
    NEW = auto()
    OPEN = auto()
    CLOSED = auto()


class MemoryBus:
    """A `Bus` within one process, which keeps every promise of the interface.

    A publish needs no repeats here: the broker takes the message at once, is not reached within
    `publish_timeout`, or has an alarm that lasts longer (`PublishUnknownError`: the message comes
    after it). `PublishRefusedError` never occurs.
    """

    def __init__(
        self, broker: MemoryBroker, *, publish_timeout: timedelta = DEFAULT_PUBLISH_TIMEOUT
    ) -> None:
        self._broker = broker
        self._publish_timeout = publish_timeout
        self._state = _State.NEW
        self._consumers: list[Consumer] = []
        self._visits: set[MemoryVisit] = set()

    @property
    def condition(self) -> BusCondition:
        connected = self._state is _State.OPEN and self._broker.is_reachable
        return BusCondition(connected, blocked=connected and self._broker.alarm.is_raised)

    @property
    def unsettled_limit(self) -> None:
        """Nothing is taken back in memory."""

    async def __aenter__(self) -> Self:
        if self._state is not _State.NEW:
            raise ClosedError("a bus is opened once")
        if not self._broker.is_reachable:
            raise BrokerUnreachableError(_PAUSED)
        self._state = _State.OPEN
        self._broker.connect(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._state = _State.CLOSED
        self._broker.disconnect(self)

    async def declare(self, topology: Topology) -> None:
        self._require_connection()
        self._broker.declare(topology)

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        self._require_open()
        if not self._broker.is_reachable:
            await self._until_reachable()
        publish = partial(self._broker.publish, exchange, routing_key, _as_on_the_wire(message))
        if self._broker.alarm.is_raised:
            await self._publish_after_alarm(publish)
            return
        publish()
        await asyncio.sleep(0)  # a confirm takes a turn too; else a publisher could starve the loop

    async def consume(
        self, queue: str, prefetch: int, on_delivery: OnDelivery
    ) -> MemorySubscription:
        self._require_connection()
        if prefetch < 1:
            raise ValueError(f"prefetch must be at least 1, not {prefetch}")
        consumer = Consumer(self._broker.queue(queue), prefetch, on_delivery)
        self._consumers.append(consumer)
        consumer.attach()
        return MemorySubscription(self, consumer)

    def visit(self, queue: str) -> MemoryVisit:
        visit = MemoryVisit(queue, self._queue_of, self._visits.discard)
        self._visits.add(visit)
        return visit

    async def depths(self, queues: Iterable[str]) -> dict[str, QueueDepth | None]:
        self._require_connection()
        return {name: self._broker.depth(name) for name in queues}

    def lost(self) -> None:
        """Called by the broker: this connection is gone."""
        for consumer in self._consumers:
            consumer.detach()
        for consumer in self._consumers:
            consumer.lose_deliveries()
        for visit in tuple(self._visits):
            visit.lose()
        self._forget_finished_consumers()

    def restored(self) -> None:
        """Called by the broker: this connection is back, and so are its subscriptions."""
        for consumer in self._consumers:
            consumer.attach()

    def cancel(self, consumer: Consumer) -> None:
        consumer.cancel()
        self._forget_finished_consumers()

    def _forget_finished_consumers(self) -> None:
        self._consumers = [consumer for consumer in self._consumers if not consumer.is_finished]

    async def _publish_after_alarm(self, publish: Callable[[], None]) -> None:
        published = self._broker.alarm.hold(publish)
        try:
            async with asyncio.timeout(self._publish_timeout.total_seconds()):
                await published
        except TimeoutError:
            raise PublishUnknownError(
                f"the broker in memory has had an alarm for {self._publish_timeout}:"
                " the message comes when that is over"
            ) from None

    def _queue_of(self, name: str) -> MemoryQueue:
        self._require_connection()
        return self._broker.queue(name)

    async def _until_reachable(self) -> None:
        try:
            async with asyncio.timeout(self._publish_timeout.total_seconds()):
                await self._broker.until_reachable()
        except TimeoutError:
            raise BrokerUnreachableError(
                f"{_PAUSED}, and was for {self._publish_timeout}"
            ) from None
        self._require_open()

    def _require_connection(self) -> None:
        self._require_open()
        if not self._broker.is_reachable:
            raise BrokerUnreachableError(_PAUSED)

    def _require_open(self) -> None:
        if self._state is not _State.OPEN:
            raise ClosedError(f"the bus is {self._state.name.lower()}, use it inside `async with`")


class MemorySubscription:
    """A consumer of a `MemoryBus`; it outlasts lost connections."""

    def __init__(self, bus: MemoryBus, consumer: Consumer) -> None:
        self._bus = bus
        self._consumer = consumer

    @property
    def is_consuming(self) -> bool:
        return self._consumer.is_attached

    async def cancel(self) -> None:
        self._bus.cancel(self._consumer)


def _as_on_the_wire(message: Message) -> Message:
    """A copy that the sender cannot change any more, with the precision that AMQP has."""
    timestamp = message.timestamp
    if timestamp is not None:
        timestamp = timestamp.astimezone(UTC).replace(microsecond=0)
    return replace(
        message, headers=dict(message.headers), timestamp=timestamp, dead_letter_reason=None
    )
