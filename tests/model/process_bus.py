"""The broker as the processes of the model reach it: some time away, over a connection that
breaks."""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import Self

from llmbus.shared.bus.interface import Delivery, Message, OnDelivery
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.memory.bus import MemorySubscription
from llmbus.shared.bus.memory.visit import MemoryVisit
from llmbus.shared.codec import decode_result
from llmbus.shared.errors import PublishUnknownError
from llmbus.shared.parking import redrives_of
from llmbus.shared.topology import Layout
from tests.model.journal import Journal, ResultSent
from tests.model.loop_clock import LATENCY_SECONDS
from tests.model.process import Process
from tests.model.runs import RunFacts, this_run
from tests.support.wrapped_delivery import WrappedDelivery

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
        now = asyncio.get_running_loop().time()
        if exchange == self._layout.results:
            result = decode_result(message.body, message.content_type)
            sent = ResultSent(now, message.body, result)
            journal.results.setdefault(task_id, []).append(sent)
        elif exchange == self._layout.unrouted:
            journal.parked[task_id] += 1
            journal.was_parked.add(task_id)
            reason = str(message.headers.get("llmbus-reason"))
            if reason.startswith("a defect"):
                journal.wrong.append(f"{task_id} was parked: {reason}")
        else:
            journal.accept(message, now)
            journal.copies[task_id] += 1


class ProcessBus(MemoryBus):
    """The connection of one process. A broken one may have swallowed what was under way."""

    def __init__(self, broker: MemoryBroker, process: Process, journal: Journal) -> None:
        super().__init__(broker)
        self._process = process
        self._journal = journal
        self.losses = 0
        self.is_open = False
        self.held: dict[ProcessDelivery, float] = {}
        """What was handed over and is not settled, and since when."""

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

    def visit(self, queue: str) -> ProcessVisit:  # type: ignore[override]
        return ProcessVisit(super().visit(queue), self._journal)

    def lost(self) -> None:
        self.losses += 1
        self.held.clear()
        super().lost()

    def _hand_over(self, on_delivery: OnDelivery, delivery: Delivery) -> None:
        watched = ProcessDelivery(delivery, self)
        self.held[watched] = asyncio.get_running_loop().time()
        self._process.call(partial(self._begin_run, on_delivery, watched))

    def _begin_run(self, on_delivery: OnDelivery, delivery: ProcessDelivery) -> None:
        """What it begins goes on in this context, and so is known as this run."""
        run = RunFacts(self._process, delivery.message)
        self._journal.runs.setdefault(run.task_id, []).append(run)
        before = this_run.set(run)
        on_delivery(delivery)
        this_run.reset(before)

    def settled(self, delivery: ProcessDelivery) -> None:
        self.held.pop(delivery, None)

    def acked(self, delivery: ProcessDelivery) -> None:
        self.settled(delivery)
        now = asyncio.get_running_loop().time()
        self._journal.acked(delivery.message.correlation_id, now)


class ProcessDelivery(WrappedDelivery):
    """A delivery whose settlement takes its time; one that is under way is lost silently."""

    def __init__(self, delivery: Delivery, bus: ProcessBus) -> None:
        super().__init__(delivery)
        self._bus = bus

    async def ack(self) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        await super().ack()
        self._bus.acked(self)

    async def nack(self) -> None:
        if (run := this_run.get()) is not None:
            run.was_given_back(asyncio.get_running_loop().time())
        await asyncio.sleep(LATENCY_SECONDS)
        await super().nack()
        self._bus.settled(self)

    async def reject(self) -> None:
        raise AssertionError("a task is never rejected: that could not say why")


class ProcessVisit:
    """A look through parking; what is taken out of it is noted."""

    def __init__(self, visit: MemoryVisit, journal: Journal) -> None:
        self._visit = visit
        self._journal = journal

    async def __aenter__(self) -> Self:
        await self._visit.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._visit.__aexit__(exc_type, exc, traceback)

    async def next(self) -> ParkedDelivery | None:
        await asyncio.sleep(LATENCY_SECONDS)
        found = await self._visit.next()
        return None if found is None else ParkedDelivery(found, self._journal)


class ParkedDelivery(WrappedDelivery):
    """A message of parking in the operator's hands."""

    def __init__(self, delivery: Delivery, journal: Journal) -> None:
        super().__init__(delivery)
        self._journal = journal

    async def ack(self) -> None:
        await asyncio.sleep(LATENCY_SECONDS)
        await super().ack()
        task_id, redrives = self.message.correlation_id, redrives_of(self.message)
        self._journal.parked[task_id] -= 1
        sent_back = f"#{redrives + 1}"
        if not any(each.endswith(sent_back) for each in self._journal.accepted[task_id]):
            self._journal.wrong.append(f"{task_id} left parking and was not sent back")
