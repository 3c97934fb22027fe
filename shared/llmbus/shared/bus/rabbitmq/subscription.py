"""A consumer that survives the loss of its channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Self

from llmbus.shared.bus.interface import OnDelivery
from llmbus.shared.bus.rabbitmq.connection import OpenConnection
from llmbus.shared.bus.rabbitmq.consumer import Consumer
from llmbus.shared.bus.rabbitmq.link import Link
from llmbus.shared.bus.rabbitmq.losses import PAUSE_AFTER_LOSS_SECONDS
from llmbus.shared.errors import BrokerUnreachableError

__all__ = ["RabbitmqSubscription"]

_ATTACH_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_WITHOUT_QUEUE_SECONDS: Final = 1.0
_log = logging.getLogger("llmbus.bus")


class RabbitmqSubscription:
    """Consumes one queue; after a loss with a new consumer, on a new channel, under a new tag."""

    def __init__(self, link: Link, queue: str, prefetch: int, on_delivery: OnDelivery) -> None:
        self._link = link
        self._queue = queue
        self._prefetch = prefetch
        self._on_delivery = on_delivery
        self._consumer: Consumer | None = None
        self._cancelled = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_consuming(self) -> bool:
        """See `Subscription.is_consuming`."""
        return not self._cancelled.is_set() and self._consumer is not None

    async def start(self, within_seconds: float, on_end: Callable[[Self], object]) -> None:
        """Consume. `ConfigurationError` or `BrokerUnreachableError` if that cannot be."""
        consumer = await self._link.run(self._attach, within_seconds)
        self._consumer = consumer
        self._keeper = asyncio.create_task(self._keep(consumer), name=f"consume {self._queue}")
        self._keeper.add_done_callback(lambda _: on_end(self))

    async def cancel(self) -> None:
        """Take nothing more. Deliveries handed over before stay valid and must be settled."""
        self._cancelled.set()
        if self._consumer is not None:
            await self._consumer.cancel()
        elif self._keeper is not None:
            self._keeper.cancel()

    async def close(self) -> None:
        """Take nothing more, and return what is not settled."""
        await self.cancel()
        if self._consumer is not None:
            await self._consumer.close()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))

    async def _attach(self, opened: OpenConnection) -> Consumer:
        return await Consumer.attach(opened, self._queue, self._prefetch, self._on_delivery)

    async def _keep(self, consumer: Consumer) -> None:
        while True:
            await consumer.ended()
            self._consumer = None
            # What the broker cancelled may have deliveries that it still counts as ours. Closing
            # the channel makes it hand them over again, and whoever runs them adopts them.
            await consumer.close()
            if self._cancelled.is_set():
                return
            await asyncio.sleep(PAUSE_AFTER_LOSS_SECONDS)
            consumer = await self._attached_at_last()
            self._consumer = consumer
            if self._cancelled.is_set():  # while it was attached
                await consumer.cancel()

    async def _attached_at_last(self) -> Consumer:
        trouble = ""
        while True:
            try:
                return await self._link.run(self._attach, _ATTACH_TIMEOUT_SECONDS)
            except BrokerUnreachableError:
                pass  # the link tells of that
            except Exception as error:
                # Whatever it is: a subscription that gave up would look like an empty queue.
                if str(error) != trouble:
                    _log.warning("queue %r is not consumed: %s; trying again", self._queue, error)
                trouble = str(error)
                await asyncio.sleep(_PAUSE_WITHOUT_QUEUE_SECONDS)
            if self._cancelled.is_set():
                raise asyncio.CancelledError  # aiormq can put an error of its own in its place
