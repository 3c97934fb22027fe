"""A delivery that is another one, but for what a subclass changes."""

from __future__ import annotations

from llmbus.shared.bus.interface import Delivery

__all__ = ["WrappedDelivery"]


class WrappedDelivery:
    """Settles what it wraps."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.message = delivery.message
        self.message_id = delivery.message_id
        self.queue = delivery.queue
        self.routing_key = delivery.routing_key
        self.redelivered = delivery.redelivered

    async def ack(self) -> None:
        await self._delivery.ack()

    async def nack(self) -> None:
        await self._delivery.nack()

    async def reject(self) -> None:
        await self._delivery.reject()
