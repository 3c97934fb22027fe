"""What a worker of the model reaches: broker, store and provider, each some time away, so that a
fault can strike before and after every effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from llmbus.shared.bus.interface import Delivery, Message, OnDelivery
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.memory.bus import MemorySubscription
from llmbus.shared.errors import PublishUnknownError, StoreUnreachableError
from llmbus.shared.store.claims import Claim, Claimed, Stored
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.topology import Layout
from tests.model.journal import Journal, ResultSent, StoredOnce
from tests.model.process import Process

__all__ = ["LATENCY_SECONDS", "LoopClock", "ProcessBus", "ProcessStore", "Shelf", "WatchedBroker"]

LATENCY_SECONDS: Final = 0.1
"""One way."""
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class LoopClock:
    """Tells the event loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._loop.time())


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


class Shelf:
    """The store that all processes share."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.content = MemoryStore(clock)
        self.is_reachable = True

    async def __aenter__(self) -> Self:
        await self.content.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.content.__aexit__(None, None, None)

    async def empty(self) -> None:
        """Lose everything, as a Redis without persistence does at a restart."""
        self.content = MemoryStore(self._clock)
        await self.content.__aenter__()

    def require(self) -> MemoryStore:
        if not self.is_reachable:
            raise StoreUnreachableError("the store of the model is away")
        return self.content


class ProcessStore:
    """The store as one process reaches it: a request or its answer may be lost."""

    def __init__(self, shelf: Shelf, journal: Journal, process: Process) -> None:
        self._shelf = shelf
        self._journal = journal
        self._process = process

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._there_and_back, name)

    async def _there_and_back(self, name: str, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(LATENCY_SECONDS)
        answer = await getattr(self._shelf.require(), name)(*arguments, **options)
        self._note(arguments, answer, name, options)
        await asyncio.sleep(LATENCY_SECONDS)
        self._shelf.require()
        return answer

    def _note(
        self, arguments: tuple[Any, ...], answer: object, name: str, options: dict[str, Any]
    ) -> None:
        match name, answer:
            case "claim", Claimed(claim):
                self._journal.open_starts[claim.claimant.task_id, claim.token] = self._process
            case (("release" | "pass_on"), _):
                self._forget_start(arguments[0])
            case "finish", Stored():
                self._forget_start(arguments[0])
                now = asyncio.get_running_loop().time()
                stored = StoredOnce(now, arguments[0], arguments[1], options["succeeded"])
                self._journal.stored.append(stored)
            case _:
                pass

    def _forget_start(self, claim: Claim) -> None:
        self._journal.open_starts.pop((claim.claimant.task_id, claim.token), None)
