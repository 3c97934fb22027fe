"""Publishing with confirmation."""

from __future__ import annotations

import asyncio
import re
import struct
from typing import Final

from aiormq.channel import Channel
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)

from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.rabbitmq.connection import reason
from llmbus.shared.bus.rabbitmq.link import Link
from llmbus.shared.bus.rabbitmq.losses import LOST, PAUSE_AFTER_LOSS_SECONDS, loss_as_error
from llmbus.shared.bus.rabbitmq.messages import properties_of
from llmbus.shared.errors import (
    BodyTooLargeError,
    ClosedError,
    ConfigurationError,
    InvalidInputError,
    LlmbusError,
    PublishRefusedError,
    PublishUnknownError,
    UnavailableError,
    UnroutableError,
)

__all__ = ["Publisher"]

_TOO_LARGE: Final = re.compile(r"message size (\d+) is larger")


class Publisher:
    """Publishes on one channel of its own connection, any number of messages at a time.

    Its own connection, because in a resource alarm the broker stops reading what publishes, and
    acks must pass. One channel, because confirmations of concurrent publishes share disk writes.
    """

    def __init__(self, link: Link, app_id: str, timeout_seconds: float) -> None:
        self._link = link
        self._app_id = app_id
        self._timeout_seconds = timeout_seconds
        self._channel: Channel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """See `Bus.publish`.

        An attempt lasts until it is answered, its channel is gone or the time is over. It is not
        given up earlier to be repeated: after a resource alarm, all attempts would arrive.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_seconds
        possibly_sent = False
        while True:
            try:
                channel = self._channel
                if channel is None or channel.is_closed:
                    async with asyncio.timeout_at(deadline):
                        channel = await self._open_channel()
                possibly_sent = True
                remaining = deadline - loop.time()
                if await self._attempt(channel, exchange, routing_key, message, remaining):
                    return
            except LOST:
                pass  # while the channel was opened
            except ClosedError:
                if possibly_sent:
                    raise self._no_answer(exchange, routing_key, possibly_sent) from None
                raise
            if loop.time() >= deadline:
                raise self._no_answer(exchange, routing_key, possibly_sent)
            await asyncio.sleep(PAUSE_AFTER_LOSS_SECONDS)

    async def _open_channel(self) -> Channel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                opened = await self._link.connection()
                with loss_as_error():
                    self._channel = await opened.publishing_channel()
            return self._channel

    async def _attempt(
        self,
        channel: Channel,
        exchange: str,
        routing_key: str,
        message: Message,
        timeout_seconds: float,
    ) -> bool:
        """Whether the broker has confirmed. If not, the time is over or the channel is gone."""
        try:
            with loss_as_error():
                await channel.basic_publish(
                    message.body,
                    exchange=exchange,
                    routing_key=routing_key,
                    properties=properties_of(message, self._app_id),
                    mandatory=True,
                    timeout=timeout_seconds,
                    wait=False,  # for the socket; the confirmation is waited for
                )
        except PublishError:
            raise UnroutableError(
                f"no queue is bound to exchange {exchange!r} for {routing_key!r}"
            ) from None
        except DeliveryError:
            raise PublishRefusedError(
                f"a queue behind exchange {exchange!r} refused the message for {routing_key!r}:"
                " it is full"
            ) from None
        except (ValueError, TypeError, struct.error) as error:
            raise InvalidInputError(f"the message does not fit into AMQP: {error}") from error
        except Exception as error:
            # Whatever closed the channel is raised from every publish that waits on it.
            own_fault = _own_fault(error, exchange, message)
            if own_fault is not None:
                raise own_fault from None
            return False
        return True

    def _no_answer(
        self, exchange: str, routing_key: str, possibly_sent: bool
    ) -> PublishUnknownError | UnavailableError:
        if not possibly_sent:
            return self._link.unreachable(self._timeout_seconds)
        return PublishUnknownError(
            f"no confirmation from the broker for exchange {exchange!r} and {routing_key!r}"
            f" in {self._timeout_seconds:g} s: the message may or may not be queued"
        )


def _own_fault(error: Exception, exchange: str, message: Message) -> LlmbusError | None:
    """Why this publish made the broker close the channel; None if another publish did."""
    text = reason(error)
    if isinstance(error, ChannelNotFoundEntity) and f"exchange '{exchange}'" in text:
        return UnroutableError(f"there is no exchange {exchange!r}: declare the topology first")
    if isinstance(error, ChannelAccessRefused) and f"exchange '{exchange}'" in text:
        return ConfigurationError(
            f"the user of LLMBUS_AMQP_URL may not publish to exchange {exchange!r}: {text}"
        )
    if isinstance(error, ChannelPreconditionFailed):
        found = _TOO_LARGE.search(text)
        if found and int(found[1]) == len(message.body):
            return BodyTooLargeError(f"the broker takes no message of this size: {text}")
    return None
