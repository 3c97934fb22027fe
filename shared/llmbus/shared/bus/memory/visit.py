"""One look through a queue in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from llmbus.shared.bus.memory.delivery import MemoryDelivery
from llmbus.shared.bus.memory.queue import MemoryQueue
from llmbus.shared.errors import BrokerUnreachableError, ClosedError

__all__ = ["MemoryVisit"]


class MemoryVisit:
    """A `Visit` of a `MemoryBus`."""

    def __init__(
        self,
        name: str,
        find: Callable[[str], MemoryQueue],
        on_end: Callable[[MemoryVisit], object],
    ) -> None:
        self._name = name
        self._find = find
        self._on_end = on_end
        self._queue: MemoryQueue | None = None
        self._held: dict[MemoryDelivery, None] = {}
        self._left = 0
        self._is_lost = False

    @property
    def queue(self) -> MemoryQueue:
        if self._queue is None:
            raise ClosedError("use a visit inside `async with`")
        return self._queue

    async def __aenter__(self) -> Self:
        self._queue = self._find(self._name)
        self._left = self._queue.depth.ready
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.lose()
        self._on_end(self)

    async def next(self) -> MemoryDelivery | None:
        await asyncio.sleep(0)  # asking a broker takes a turn of the loop, too
        if self._is_lost:
            raise BrokerUnreachableError(
                f"the connection broke during a visit to queue {self._name!r};"
                " what was held has gone back to it"
            )
        queued = self.queue.take() if self._left else None
        if queued is None:
            self._left = 0
            return None
        self._left -= 1
        delivery = MemoryDelivery(self, queued)
        self._held[delivery] = None
        return delivery

    def forget(self, delivery: MemoryDelivery) -> None:
        """The delivery is settled."""
        del self._held[delivery]

    def lose(self) -> None:
        """The connection is gone, or the visit is over: what is held goes back."""
        self._is_lost = True
        held, self._held = self._held, {}
        for delivery in held:
            delivery.lose()
