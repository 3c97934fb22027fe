"""One look through a queue, by `basic.get`."""

from __future__ import annotations

from contextlib import suppress
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

_ANSWER_WITHIN_SECONDS: Final = 30.0


class RabbitmqVisit:
    """A `Visit` on a channel of its own. Deliveries that nobody refers to any more are held by the
    broker alone, so a visit to a long queue needs no memory here."""

    def __init__(self, link: Link, queue: str, open_within_seconds: float) -> None:
        self._link = link
        self._queue = queue
        self._open_within_seconds = open_within_seconds
        self._channel: AbstractChannel | None = None
        self._unsettled = 0
        self._returned = False

    @property
    def has_lost_its_deliveries(self) -> bool:
        """Whether settling would come too late."""
        return self._returned or self._channel is None or self._channel.is_closed

    async def __aenter__(self) -> Self:
        self._channel = await self._link.run(_new_channel, self._open_within_seconds)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Return what is unsettled. Said to the broker as a return, and not only by closing:
        quorum queues count the latter as a failed delivery."""
        channel, self._returned = self._channel, True
        if channel is None or channel.is_closed:
            return
        with suppress(*LOST), loss_as_error():
            if self._unsettled:
                await channel.basic_nack(0, multiple=True, wait=False)
            await channel.close()

    async def next(self) -> RabbitmqDelivery | None:
        """See `Visit.next`."""
        if self._channel is None:
            raise ClosedError("use a visit inside `async with`")
        got = await self._get(self._channel)
        if isinstance(got.delivery, Basic.GetEmpty):
            return None
        self._unsettled += 1
        return RabbitmqDelivery(got, self._queue, self)

    def settled(self) -> None:
        """Called by a delivery: it needs the channel no more."""
        self._unsettled -= 1

    async def _get(self, channel: AbstractChannel) -> DeliveredMessage:
        try:
            with loss_as_error():
                return await channel.basic_get(self._queue, timeout=_ANSWER_WITHIN_SECONDS)
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

    def _lost(self, error: BaseException) -> BrokerUnreachableError:
        return BrokerUnreachableError(
            f"the connection broke during a visit to queue {self._queue!r} ({reason(error)});"
            " what was held has gone back to it"
        )


async def _new_channel(opened: OpenConnection) -> AbstractChannel:
    return await opened.plain_channel()
