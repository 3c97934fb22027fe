"""What the contract suite needs from a transport beyond the `Bus` interface."""

from __future__ import annotations

from typing import Protocol

from llmbus.shared.bus.interface import Bus
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.settings import BusSettings
from tests.support.rabbit_api import RabbitApi, Vhost

__all__ = ["MemoryTransport", "RabbitmqTransport", "Transport"]


class Transport(Protocol):
    """One empty broker of one test."""

    def new_bus(self) -> Bus:
        """One more connection to that broker, not open yet."""
        ...

    async def drop_connections(self) -> None:
        """Break every open connection from the broker's side; returns when that is done."""
        ...


class MemoryTransport:
    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def new_bus(self) -> Bus:
        return MemoryBus(self.broker)

    async def drop_connections(self) -> None:
        self.broker.drop_connections()


class RabbitmqTransport:
    def __init__(self, settings: BusSettings, api: RabbitApi, vhost: Vhost) -> None:
        self._settings = settings
        self._api = api
        self._vhost = vhost

    def new_bus(self) -> Bus:
        from llmbus.shared.bus.rabbitmq import RabbitmqBus

        return RabbitmqBus(self._settings, name="contract")

    async def drop_connections(self) -> None:
        await self._api.drop_connections(self._vhost)

    async def declare_limited_queue(self, name: str, *, source: str, dead_letters: str) -> None:
        """A quorum queue, bound to `source` by its own name, that hands no message over more than
        twice. (Ours hand over twenty times, and only RabbitMQ 4.3 lets lanes be quorum queues.)"""
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": 1,
            "x-dead-letter-exchange": dead_letters,
        }
        vhost = self._vhost.name
        queue = {"durable": True, "arguments": arguments}
        await self._api.call("PUT", f"/api/queues/{vhost}/{name}", queue)
        path = f"/api/bindings/{vhost}/e/{source}/q/{name}"
        await self._api.call("POST", path, {"routing_key": name})
