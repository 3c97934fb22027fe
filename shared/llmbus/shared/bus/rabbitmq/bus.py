"""The bus on RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final, Self

from llmbus.shared.bus.interface import (
    BusCondition,
    Message,
    OnDelivery,
    QueueDepth,
    Subscription,
)
from llmbus.shared.bus.rabbitmq.address import Address
from llmbus.shared.bus.rabbitmq.arguments import UnsettledLimits
from llmbus.shared.bus.rabbitmq.connection import Version
from llmbus.shared.bus.rabbitmq.declaration import Declarer
from llmbus.shared.bus.rabbitmq.depth import depth_of_each
from llmbus.shared.bus.rabbitmq.link import Link
from llmbus.shared.bus.rabbitmq.publishing import Publisher
from llmbus.shared.bus.rabbitmq.subscription import RabbitmqSubscription
from llmbus.shared.bus.rabbitmq.visit import RabbitmqVisit
from llmbus.shared.errors import ClosedError
from llmbus.shared.settings import BusSettings
from llmbus.shared.topology import Topology

__all__ = ["RabbitmqBus"]

_ORDERLY_CLOSE_SECONDS: Final = 2.0


class RabbitmqBus:
    """A `Bus` on RabbitMQ 3.10 to 4.3.

    It holds up to three connections, each opened when first needed: to declare and to ask, to
    publish, to consume and ack. The broker's management page shows them under `name`.
    Losses and returns of a connection are logged by `llmbus.bus`.
    """

    def __init__(self, settings: BusSettings, *, name: str = "llmbus") -> None:
        self._address = Address.from_url(settings.amqp_url)
        self._name = name
        self._connect_timeout_seconds = settings.connect_timeout_seconds
        self._control, self._publishing, self._consuming = (
            Link(self._address, f"{name} {purpose}", settings.amqp_heartbeat_seconds)
            for purpose in ("control", "publish", "consume")
        )
        self._declarer = Declarer(
            settings.queue_type, timedelta(seconds=settings.longest_task_seconds)
        )
        self._unsettled_limits = UnsettledLimits(
            node=timedelta(seconds=settings.consumer_timeout_seconds),
            longest_task=timedelta(seconds=settings.longest_task_seconds),
        )
        self._publisher = Publisher(self._publishing, name, settings.publish_timeout_seconds)
        self._subscriptions: set[RabbitmqSubscription] = set()
        self._broker_version: Version | None = None
        self._is_open = False

    def __repr__(self) -> str:
        return f"<RabbitmqBus {self._name!r} at {self._address}>"

    @property
    def broker_version(self) -> Version:
        """As the broker told when the bus was opened; `ClosedError` before that."""
        if self._broker_version is None:
            raise ClosedError(f"{self!r} was never opened: use `async with`")
        return self._broker_version

    @property
    def condition(self) -> BusCondition:
        """See `Bus.condition`."""
        links = (self._control, self._publishing, self._consuming)
        return BusCondition(
            connected=self._is_open and all(link.is_up for link in links),
            blocked=self._publishing.is_blocked,
        )

    @property
    def unsettled_limit(self) -> timedelta:
        """See `Bus.unsettled_limit`; `ClosedError` before the bus was opened."""
        return self._unsettled_limits.of(self.broker_version)

    async def __aenter__(self) -> Self:
        """Connect. `BrokerUnreachableError`, `BrokerLoginError` or `BrokerVhostError`."""
        if self._broker_version is not None:
            raise ClosedError(f"{self!r} was opened before: a bus is opened once")
        opened = await self._control.open(self._connect_timeout_seconds)
        self._broker_version = opened.broker_version
        self._is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close. What was handed over and not settled goes back to its queue."""
        self._is_open = False
        try:
            async with asyncio.timeout(_ORDERLY_CLOSE_SECONDS):
                await asyncio.gather(*(each.close() for each in tuple(self._subscriptions)))
        except TimeoutError:
            pass  # a broker that does not answer sees the connection end, which returns them too
        finally:
            await asyncio.gather(
                self._consuming.close(), self._publishing.close(), self._control.close()
            )

    async def declare(self, topology: Topology) -> None:
        """See `Bus.declare`; `BrokerUnreachableError` if no broker answers."""
        self._check_open()
        await self._control.run(
            partial(self._declarer.declare, topology), self._connect_timeout_seconds
        )

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """See `Bus.publish`. `ConfigurationError` where the user may not publish,
        `InvalidInputError` for what does not fit into AMQP."""
        self._check_open()
        await self._publisher.publish(exchange, routing_key, message)

    async def consume(self, queue: str, prefetch: int, on_delivery: OnDelivery) -> Subscription:
        """See `Bus.consume`. `ConfigurationError` if the queue does not exist or may not be read,
        `BrokerUnreachableError` if no broker answers.

        A delivery that `on_delivery` refuses by raising goes back to its queue after a second.
        """
        self._check_open()
        if prefetch < 1:  # to AMQP, 0 means without limit
            raise ValueError(f"prefetch must be at least 1, not {prefetch}")
        subscription = RabbitmqSubscription(self._consuming, queue, prefetch, on_delivery)
        await subscription.start(self._connect_timeout_seconds, self._subscriptions.discard)
        self._subscriptions.add(subscription)
        return subscription

    def visit(self, queue: str) -> RabbitmqVisit:
        """See `Bus.visit`."""
        self._check_open()
        return RabbitmqVisit(self._consuming, queue, self._connect_timeout_seconds)

    async def depths(self, queues: Iterable[str]) -> dict[str, QueueDepth | None]:
        """See `Bus.depths`; `BrokerUnreachableError` if no broker answers."""
        self._check_open()
        return await self._control.run(
            partial(depth_of_each, tuple(queues)), self._connect_timeout_seconds
        )

    def _check_open(self) -> None:
        if not self._is_open:
            raise ClosedError(f"{self!r} is closed, or was never opened: use `async with`")
