"""The subscriptions of a consumer, one for each of its queues."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from llmbus.shared.bus.interface import Bus, Delivery, Subscription

__all__ = ["Intake", "Source"]


@dataclass(frozen=True)
class Source:
    """A queue to take tasks from."""

    queue: str
    slots: int
    """How many of its tasks may run at once."""
    lane: str | None = None
    """The lane of its tasks; None where each message tells it."""


class Intake:
    """What takes tasks from queues. It is shut until opened, and may be shut and opened again.

    No queue is asked for more than it has slots: whatever waits here could not be overtaken by
    something more urgent.
    """

    def __init__(
        self, bus: Bus, sources: Sequence[Source], take: Callable[[str | None, Delivery], None]
    ) -> None:
        """`take` gets the lane of the source with each delivery."""
        self._bus = bus
        self._sources = {source.queue: source for source in sources}
        self._take = take
        self._subscriptions: dict[str, Subscription] = {}
        self._taken: Counter[str] = Counter()
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def queues(self) -> Collection[str]:
        """The queues that are to be consumed now: none while it is shut."""
        return tuple(self._sources) if self._is_open else ()

    def is_consuming(self, queue: str) -> bool:
        """Whether the queue looks consumed from here."""
        subscription = self._subscriptions.get(queue)
        return subscription is not None and subscription.is_consuming

    def taken(self, queue: str) -> int:
        """How many deliveries have come from that queue so far."""
        return self._taken[queue]

    async def open(self) -> None:
        """Take tasks of every queue. After an error it counts as open, with queues missing."""
        self._is_open = True
        for queue in self._sources:
            await self.resubscribe(queue)

    async def resubscribe(self, queue: str) -> None:
        """Consume the queue by a new subscription. What an older one has taken stays valid."""
        if (older := self._subscriptions.pop(queue, None)) is not None:
            await older.cancel()
        source = self._sources[queue]
        take = partial(self._count_and_take, source)
        self._subscriptions[queue] = await self._bus.consume(queue, source.slots, take)

    async def shut(self) -> None:
        """Take nothing more. What was taken stays valid."""
        self._is_open = False
        subscriptions, self._subscriptions = self._subscriptions, {}
        await asyncio.gather(*(each.cancel() for each in subscriptions.values()))

    def _count_and_take(self, source: Source, delivery: Delivery) -> None:
        self._taken[source.queue] += 1
        self._take(source.lane, delivery)
