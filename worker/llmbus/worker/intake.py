"""The subscriptions of a worker, one for each lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial

from llmbus.shared.bus.interface import Bus, Delivery, Subscription
from llmbus.shared.topology import Layout

__all__ = ["Intake"]


class Intake:
    """What takes tasks from the lanes. It is shut until opened, and may be shut and opened again.

    No lane is asked for more than it has slots: whatever waits here could not be overtaken by
    something more urgent.
    """

    def __init__(
        self,
        bus: Bus,
        layout: Layout,
        slots: Mapping[str, int],
        take: Callable[[str, Delivery], None],
    ) -> None:
        self._bus = bus
        self._layout = layout
        self._slots = slots
        self._take = take
        self._subscriptions: dict[str, Subscription] = {}
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def lanes(self) -> Collection[str]:
        """The lanes that are to be consumed now: none while it is shut."""
        return tuple(self._slots) if self._is_open else ()

    def is_consuming(self, lane: str) -> bool:
        """Whether the lane looks consumed from here."""
        subscription = self._subscriptions.get(lane)
        return subscription is not None and subscription.is_consuming

    async def open(self) -> None:
        """Take tasks of every lane. After an error it counts as open, with lanes missing."""
        self._is_open = True
        for lane in self._slots:
            await self.resubscribe(lane)

    async def resubscribe(self, lane: str) -> None:
        """Consume the lane by a new subscription. What an older one has taken stays valid."""
        if (older := self._subscriptions.pop(lane, None)) is not None:
            await older.cancel()
        queue = self._layout.lane_queue(lane)
        take = partial(self._take, lane)
        self._subscriptions[lane] = await self._bus.consume(queue, self._slots[lane], take)

    async def shut(self) -> None:
        """Take nothing more. What was taken stays valid."""
        self._is_open = False
        subscriptions, self._subscriptions = self._subscriptions, {}
        await asyncio.gather(*(each.cancel() for each in subscriptions.values()))
