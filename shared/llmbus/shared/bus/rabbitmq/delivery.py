"""One hand-over of a message, and its settlement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

from aiormq.abc import AbstractChannel, DeliveredMessage

from llmbus.shared.bus.interface import UNNAMED, Message
from llmbus.shared.bus.rabbitmq.losses import LOST
from llmbus.shared.bus.rabbitmq.messages import message_of
from llmbus.shared.errors import DeliveryLostError

__all__ = ["RabbitmqDelivery"]


class Taker(Protocol):
    """What took deliveries from the broker and answers for them."""

    @property
    def has_lost_its_deliveries(self) -> bool: ...

    def settled(self) -> None: ...


class RabbitmqDelivery:
    """A delivery on one channel; it is lost with that channel."""

    __slots__ = (
        "_channel",
        "_delivered",
        "_message",
        "_message_id",
        "_queue",
        "_settled",
        "_taker",
    )

    def __init__(self, delivered: DeliveredMessage, queue: str, taker: Taker) -> None:
        self._delivered = delivered
        self._channel: AbstractChannel = delivered.channel
        self._queue = queue
        self._taker = taker
        self._message = message_of(delivered)
        # Other programs publish without an id. Two such messages must not be taken for one, so
        # each hand-over gets one of its own, at the price that a redelivery is not recognised.
        self._message_id = delivered.header.properties.message_id or f"{UNNAMED}{uuid4().hex}"
        self._settled = False

    @property
    def message(self) -> Message:
        return self._message

    @property
    def message_id(self) -> str:
        return self._message_id

    @property
    def queue(self) -> str:
        return self._queue

    @property
    def routing_key(self) -> str:
        return self._delivered.routing_key or ""

    @property
    def redelivered(self) -> bool:
        return bool(self._delivered.redelivered)

    @property
    def is_settled(self) -> bool:
        """Whether it has been acked, nacked or rejected here."""
        return self._settled

    async def ack(self) -> None:
        """The message is dealt with: the broker forgets it."""
        await self._settle(self._channel.basic_ack)

    async def nack(self) -> None:
        """Return the message to its queue, in its place, for anyone to take."""
        await self._settle(self._channel.basic_nack)

    async def reject(self) -> None:
        """Hand the message to the queue's dead-letter exchange."""
        await self._settle(partial(self._channel.basic_reject, requeue=False))

    async def _settle(self, send: Callable[..., Awaitable[Any]]) -> None:
        if self._taker.has_lost_its_deliveries:
            raise self._lost()
        if self._settled:
            raise RuntimeError(f"{self!r} was settled before: settle a delivery once")
        self._settled = True
        try:
            # Waiting until the socket has taken it would promise nothing: only a broker that
            # redelivers, or does not, tells whether it arrived.
            await send(self._delivered.delivery_tag, wait=False)
        except LOST as error:
            raise self._lost() from error
        if self._taker.has_lost_its_deliveries:
            raise self._lost()
        self._taker.settled()

    def _lost(self) -> DeliveryLostError:
        return DeliveryLostError(
            f"the channel of {self!r} is gone; the broker hands the message over again"
        )

    def __repr__(self) -> str:
        return f"<delivery of {self._message.correlation_id!r} from {self._queue!r}>"
