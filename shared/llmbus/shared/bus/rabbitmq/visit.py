"""One look through a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity
from pamqp.commands import Basic

from llmbus.shared.bus.rabbitmq.connection import OpenConnection, reason
from llmbus.shared.bus.rabbitmq.delivery import RabbitmqDelivery
from llmbus.shared.bus.rabbitmq.link import Link
from llmbus.shared.bus.rabbitmq.losses import LOST, is_out_of_reach, loss_as_error
from llmbus.shared.errors import BrokerUnreachableError, ClosedError, ConfigurationError

__all__ = ["RabbitmqVisit"]

_ANSWER_WITHIN_SECONDS: Final = 60.0
_LOOK_FOR_THE_END_AFTER_SECONDS: Final = 0.25
"""Without an arrival. It is not the end yet: the broker is asked for it."""
_FIRST_WIDTH: Final = 100
_LARGEST_WIDTH: Final = 1_600
"""Bounds what lies here unread, and how many passes the broker needs to return a long queue."""


class RabbitmqVisit:
    """A `Visit` on a channel of its own. Deliveries that nobody refers to any more are held by the
    broker alone, so a visit to a long queue needs little memory here.

    Messages come through consumers, window after window. `basic.get` tells where the queue ends,
    and no more: RabbitMQ returns what was got one by one, each time in a pass over the queue, so
    20,000 messages keep it busy for minutes; those of a consumer it returns in one pass.
    """

    def __init__(self, link: Link, queue: str, open_within_seconds: float) -> None:
        self._link = link
        self._queue = queue
        self._open_within_seconds = open_within_seconds
        self._channel: AbstractChannel | None = None
        self._arrived: asyncio.Queue[RabbitmqDelivery] = asyncio.Queue()
        self._window: _Window | None = None
        self._left = 0
        self._returned = False

    @property
    def has_lost_its_deliveries(self) -> bool:
        """Whether settling would come too late."""
        return self._returned or self._channel is None or self._channel.is_closed

    async def __aenter__(self) -> Self:
        self._channel = await self._link.run(_new_channel, self._open_within_seconds)
        try:
            # What another visit has just returned is counted: the broker answers a get, other
            # than a question for the depth, only when it has put everything back.
            first = await self._got(self._channel)
        except BaseException:
            await self._close(self._channel)
            raise
        if first is not None:
            self._arrived.put_nowait(first[0])
            self._left = 1 + first[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._returned = True
        if self._channel is not None:
            await self._close(self._channel)

    async def next(self) -> RabbitmqDelivery | None:
        """See `Visit.next`."""
        if self._channel is None:
            raise ClosedError("use a visit inside `async with`")
        if self._channel.is_closed:  # what lies here unread has gone back
            raise self._lost(None)
        if not self._left:
            return None
        delivery = await self._next_arrival(self._channel)
        self._left = 0 if delivery is None else self._left - 1
        return delivery

    async def _next_arrival(self, channel: AbstractChannel) -> RabbitmqDelivery | None:
        if self._arrived.empty() and (self._window is None or self._window.is_full):
            self._window = await self._opened_window(channel)
        try:
            async with asyncio.timeout(_LOOK_FOR_THE_END_AFTER_SECONDS):
                return await self._arrived.get()
        except TimeoutError:
            got = await self._got(channel)
        if got is not None:
            return got[0]
        return None if self._arrived.empty() else self._arrived.get_nowait()

    async def _opened_window(self, channel: AbstractChannel) -> _Window:
        """The next window, twice as wide: who leaves all in its place soon gets large ones."""
        last = self._window
        width = _FIRST_WIDTH if last is None else min(2 * last.width, _LARGEST_WIDTH)
        window = _Window(self, width)

        async def arrive(delivered: DeliveredMessage) -> None:
            window.unsettled += 1
            self._arrived.put_nowait(RabbitmqDelivery(delivered, self._queue, window))

        with self._explained_errors(), loss_as_error():
            if last is not None:
                await channel.basic_cancel(last.tag)
            await channel.basic_qos(prefetch_count=width)
            window.tag = (await channel.basic_consume(self._queue, arrive)).consumer_tag or ""
        return window

    async def _got(self, channel: AbstractChannel) -> tuple[RabbitmqDelivery, int] | None:
        """The message at the head, and how many stand behind it."""
        with self._explained_errors(), loss_as_error():
            got = await channel.basic_get(self._queue, timeout=_ANSWER_WITHIN_SECONDS)
        if not isinstance(got.delivery, Basic.GetOk):
            return None
        delivery = RabbitmqDelivery(got, self._queue, _Window(self, 1))
        return delivery, got.delivery.message_count or 0

    async def _close(self, channel: AbstractChannel) -> None:
        """Return what is unsettled. Said to the broker as a return, and not only by closing:
        quorum queues count the latter as a failed delivery."""
        with suppress(*LOST), loss_as_error():
            if not channel.is_closed:
                if self._window is not None:
                    await channel.basic_cancel(self._window.tag)
                await channel.basic_nack(0, multiple=True, wait=False)
                await channel.close()

    @contextmanager
    def _explained_errors(self) -> Generator[None]:
        try:
            yield
        except ChannelNotFoundEntity as error:
            if is_out_of_reach(error):
                raise self._lost(error) from None
            raise ConfigurationError(
                f"there is no queue {self._queue!r}: declare the topology first"
            ) from None
        except ChannelAccessRefused as error:
            raise ConfigurationError(
                f"the user of LLMBUS_AMQP_URL may not read queue {self._queue!r}: {reason(error)}"
            ) from None
        except LOST as error:
            raise self._lost(error) from None

    def _lost(self, error: BaseException | None) -> BrokerUnreachableError:
        return BrokerUnreachableError(
            f"the connection broke during a visit to queue {self._queue!r} ({reason(error)});"
            " what was held has gone back to it"
        )


class _Window:
    """The deliveries of one consumer, as many as its prefetch lets through."""

    def __init__(self, visit: RabbitmqVisit, width: int) -> None:
        self._visit = visit
        self.width = width
        self.tag = ""
        self.unsettled = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more comes until something is settled."""
        return self.unsettled >= self.width

    @property
    def has_lost_its_deliveries(self) -> bool:
        return self._visit.has_lost_its_deliveries

    def settled(self) -> None:
        """Called by a delivery: there is room for another one."""
        self.unsettled -= 1


async def _new_channel(opened: OpenConnection) -> AbstractChannel:
    return await opened.plain_channel()
