"""One consumer on a channel of its own."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final, Self, cast

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused, ChannelClosed, ChannelNotFoundEntity
from pamqp.commands import Basic

from llmbus.shared.bus.interface import OnDelivery
from llmbus.shared.bus.rabbitmq.connection import OpenConnection, reason
from llmbus.shared.bus.rabbitmq.delivery import RabbitmqDelivery
from llmbus.shared.bus.rabbitmq.library_logs import leave_our_connection
from llmbus.shared.bus.rabbitmq.losses import LOST, is_out_of_reach, loss_as_error
from llmbus.shared.errors import ConfigurationError, DeliveryLostError

__all__ = ["Consumer"]

_PAUSE_AFTER_FAILED_HAND_OVER_SECONDS: Final = 1.0
_log = logging.getLogger("llmbus.bus")


class Consumer:
    """It ends with its channel, or when the broker cancels it; it never comes back."""

    def __init__(self, channel: AbstractChannel, queue: str, on_delivery: OnDelivery) -> None:
        self._channel = channel
        self._queue = queue
        self._on_delivery = on_delivery
        self._tag = ""
        self._unsettled = 0
        self._cancelled = False
        self._returned = False
        self._ended = asyncio.Event()
        closing: asyncio.Future[object] = cast(Any, channel).closing
        closing.add_done_callback(self._channel_closed)
        channel.on_consumer_cancel_callbacks.add(self._cancelled_by_broker)

    @classmethod
    async def attach(
        cls, opened: OpenConnection, queue: str, prefetch: int, on_delivery: OnDelivery
    ) -> Self:
        """`ConfigurationError` for a queue that does not exist or may not be read."""
        channel = await opened.plain_channel()
        consumer = cls(channel, queue, on_delivery)
        try:
            await channel.basic_qos(prefetch_count=prefetch)
            # The tag is made by aiormq, fresh: RabbitMQ 4.3 holds on to those it has cancelled.
            answer = await channel.basic_consume(queue, consumer._hand_over)
        except ChannelNotFoundEntity as error:
            if is_out_of_reach(error):
                raise
            raise ConfigurationError(
                f"there is no queue {queue!r}: declare the topology first"
            ) from None
        except ChannelAccessRefused as error:
            raise ConfigurationError(
                f"the user of LLMBUS_AMQP_URL may not read queue {queue!r}: {reason(error)}"
            ) from None
        except BaseException:
            await channel.close()
            raise
        consumer._tag = answer.consumer_tag or ""
        return consumer

    @property
    def has_lost_its_deliveries(self) -> bool:
        """Whether settling would come too late."""
        return self._returned or self._channel.is_closed

    async def ended(self) -> None:
        """Returns when nothing more comes of it: lost, or cancelled with everything settled."""
        await self._ended.wait()

    async def cancel(self) -> None:
        """Take nothing more; what was handed over can still be settled."""
        self._cancelled = True
        with suppress(*LOST), loss_as_error():
            await self._channel.basic_cancel(self._tag)
        self._end_when_settled()

    async def close(self) -> None:
        """Return what is not settled, then close the channel.

        Closing alone would return it, too, but quorum queues count that as a failed delivery.
        """
        self._returned = True
        with suppress(*LOST), loss_as_error():
            if self._unsettled and not self._channel.is_closed:
                await self._channel.basic_nack(0, multiple=True, wait=False)
            await self._channel.close()

    async def _hand_over(self, delivered: DeliveredMessage) -> None:
        """The only thing done in aiormq's task, which dies with the channel: pass it on."""
        leave_our_connection()  # what is started from here is not the library's
        self._unsettled += 1
        delivery = RabbitmqDelivery(delivered, self._queue, self)
        if self._cancelled:
            await self._return(delivery)
            return
        try:
            self._on_delivery(delivery)
        except Exception:
            _log.exception("%r was not taken over; it goes back to its queue", delivery)
            # Returned at once it would come again at once, and fail again, without end.
            await asyncio.sleep(_PAUSE_AFTER_FAILED_HAND_OVER_SECONDS)
            await self._return(delivery)

    async def _return(self, delivery: RabbitmqDelivery) -> None:
        if not delivery.is_settled:
            with suppress(DeliveryLostError):
                await delivery.nack()

    def settled(self) -> None:
        """Called by a delivery: it needs the channel no more."""
        self._unsettled -= 1
        self._end_when_settled()

    def _end_when_settled(self) -> None:
        if self._cancelled and not self._unsettled:
            self._ended.set()

    def _channel_closed(self, closing: asyncio.Future[object]) -> None:
        error = None if closing.cancelled() else closing.exception()
        ours = not self._tag or self._returned
        if isinstance(error, ChannelClosed) and not ours:  # nor is it the loss of the connection
            _log.warning(
                "the broker closed the channel of queue %r and takes its deliveries back: %s",
                self._queue,
                reason(error),
            )
        self._ended.set()

    def _cancelled_by_broker(self, _: Basic.Cancel) -> None:
        _log.warning("the broker cancelled the consumer of queue %r", self._queue)
        self._ended.set()
