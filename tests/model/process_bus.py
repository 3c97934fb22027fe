"""The broker as workers of the model reach it: some time away, over a connection that breaks."""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import Self

from llmbus.shared.bus.interface import Delivery, Message, OnDelivery
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.memory.bus import MemorySubscription
from llmbus.shared.errors import PublishUnknownError
from llmbus.shared.topology import Layout
from tests.model.journal import Journal, ResultSent
from tests.model.loop_clock import LATENCY_SECONDS
from tests.model.process import Process

__all__ = ["ProcessBus", "WatchedBroker"]


class WatchedBroker(MemoryBroker):
    """Notes what comes to lie in its queues."""

    def __init__(self, layout: Layout, journal: Journal) -> None:
        super().__init__()
        self._layout = layout
        self._journal = journal

    def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        super().publish(exchange, routing_key, message)
        task_id, journal = message.correlation_id, self._journal
        if exchange == self._layout.results:
            now = asyncio.get_running_loop().time()
            submission = str(message.headers.get("llmbus-tenant"))
            sent = ResultSent(now, task_id, submission, message.body)
            journal.results.setdefault(task_id, []).append(sent)
        elif exchange == self._layout.unrouted:
            journal.parked[task_id] += 1
        else:
            journal.copies[task_id] += 1


class ProcessBus(MemoryBus):
    """The connection of one process. A broken one may have swallowed what was under way."""

    def __init__(self, broker: MemoryBroker, process: Process, journal: Journal) -> None:
        super().__init__(broker)
        self._process = process
        self._journal = journal
        self.losses = 0
        self.is_open = False

    async def __aenter__(self) -> Self:
        await asyncio.sleep(LATENCY_SECONDS)
        await super().__aenter__()
        self.is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        self.is_open = False
        await super().__aexit__(exc_type, exc, traceback)

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        losses = self.losses
        await super().publish(exchange, routing_key, message)
        await asyncio.sleep(LATENCY_SECONDS)
        if self.losses != losses:
            raise PublishUnknownError("the connection broke before the confirmation came")

    async def consume(
        self, queue: str, prefetch: int, on_delivery: OnDelivery
    ) -> MemorySubscription:
        return await super().consume(queue, prefetch, partial(self._hand_over, on_delivery))

    def lost(self) -> None:
        self.losses += 1
        super().lost()

    def _hand_over(self, on_delivery: OnDelivery, delivery: Delivery) -> None:
        watched = ProcessDelivery(delivery, self._journal)
        self._process.call(partial(on_delivery, watched))


class ProcessDelivery:
    """A delivery whose settlement takes its time; one that is under way is lost silently."""

    def __init__(self, delivery: Delivery, journal: Journal) -> None:
        self._delivery = delivery
        self._journal = journal
        self.message = delivery.message
        self.message_id = delivery.message_id
        self.queue = delivery.queue
        self.routing_key = delivery.routing_key
        self.redelivered = delivery.redelivered

    async def ack(self) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        await self._delivery.ack()
        now = asyncio.get_running_loop().time()
        self._journal.acked(self.message.correlation_id, now)

    async def nack(self) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        await self._delivery.nack()

    async def reject(self) -> None:
        raise AssertionError("a task is never rejected: that could not say why")
