"""The state of a broker in memory: exchanges, queues, connections."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

from llmbus.shared.bus.interface import Message, QueueDepth
from llmbus.shared.bus.memory.agenda import Agenda
from llmbus.shared.bus.memory.alarm import Alarm
from llmbus.shared.bus.memory.exchange import MemoryExchange
from llmbus.shared.bus.memory.queue import MemoryQueue, QueuedMessage
from llmbus.shared.errors import ConfigurationError, TopologyMismatchError, UnroutableError
from llmbus.shared.topology import Binding, Exchange, Queue, Topology

__all__ = ["Connection", "MemoryBroker"]


class Connection(Protocol):
    """A bus as its broker sees it."""

    def lost(self) -> None: ...

    def restored(self) -> None: ...


class MemoryBroker:
    """What several `MemoryBus` connections of one process and one event loop share.

    It obeys a `Topology` as RabbitMQ does and lives as long as somebody holds it: messages outlast
    the connections. While nobody is connected it keeps no timers; what came due in that time comes
    due with the next connection. Only `drop_connections`, `pause`, `resume`,
    `forget_consumers` and `alarm` are for users.
    """

    def __init__(self) -> None:
        self._exchanges: dict[str, MemoryExchange] = {}
        self._queues: dict[str, MemoryQueue] = {}
        self._connections: list[Connection] = []
        self._agenda = Agenda()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self.alarm = Alarm()
        """While it lasts, publishing waits and all else goes on."""

    def drop_connections(self) -> None:
        """Break every connection; each comes back at once by itself.

        What was unsettled goes back to its place in its queue and comes again, as redelivered."""
        for connection in self._connections:
            connection.lost()
        for connection in self._connections:
            connection.restored()

    def pause(self) -> None:
        """Be unreachable: every connection is lost, and none comes back before `resume`."""
        if self._reachable.is_set():
            self._reachable.clear()
            self._agenda.stop()
            for connection in self._connections:
                connection.lost()

    def resume(self) -> None:
        """Answer again, with all that was queued."""
        if not self._reachable.is_set():
            self._reachable.set()
            for connection in self._connections:
                connection.restored()
            self._run_agenda_if_needed()

    def forget_consumers(self, name: str) -> None:
        """Be faulty: hand over nothing from this queue to those who consume it now, untold."""
        self.queue(name).forget_takers()

    @property
    def is_reachable(self) -> bool:
        return self._reachable.is_set()

    async def until_reachable(self) -> None:
        await self._reachable.wait()

    def connect(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._run_agenda_if_needed()

    def disconnect(self, connection: Connection) -> None:
        self._connections.remove(connection)
        connection.lost()
        if not self._connections:
            self._agenda.stop()

    def declare(self, topology: Topology) -> None:
        for exchange in topology.exchanges:
            self._declare_exchange(exchange)
        for queue in topology.queues:
            self._declare_queue(queue)
        for binding in topology.bindings:
            self._bind(binding)

    def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """Put the message into every queue of the route, or raise `UnroutableError`."""
        queues = self._route(exchange, routing_key)
        if not queues:
            raise UnroutableError(
                f"no queue is bound to exchange {exchange!r} for routing key {routing_key!r}"
            )
        message_id = uuid4().hex
        for queue in queues:
            queue.put(message, message_id, routing_key)

    def queue(self, name: str) -> MemoryQueue:
        """The queue of that name; `ConfigurationError` if there is none."""
        if (queue := self._queues.get(name)) is None:
            raise ConfigurationError(f"no queue {name!r} is declared")
        return queue

    def depth(self, name: str) -> QueueDepth | None:
        if (queue := self._queues.get(name)) is None:
            return None
        queue.renew_lease()
        return queue.depth

    def _run_agenda_if_needed(self) -> None:
        if self._connections and self.is_reachable:
            self._agenda.start()

    def _declare_exchange(self, spec: Exchange) -> None:
        existing = self._exchanges.setdefault(spec.name, MemoryExchange(spec)).spec
        if existing != spec:
            raise TopologyMismatchError(f"exchange {spec.name} exists as {existing}, not as {spec}")

    def _declare_queue(self, spec: Queue) -> None:
        if (queue := self._queues.get(spec.name)) is None:
            self._queues[spec.name] = MemoryQueue(
                spec,
                self._agenda,
                on_dead_letter=self._dead_letter,
                on_expiry=self._delete_queue,
            )
        elif _breaks_a_promise(queue.spec, spec):
            raise TopologyMismatchError(f"queue {spec.name} exists as {queue.spec}, not as {spec}")
        else:
            queue.renew_lease()

    def _bind(self, binding: Binding) -> None:
        if (exchange := self._exchanges.get(binding.exchange)) is None:
            raise ConfigurationError(f"no exchange {binding.exchange!r} is declared")
        exchange.bind(self.queue(binding.queue), binding.routing_key)

    def _delete_queue(self, queue: MemoryQueue) -> None:
        del self._queues[queue.spec.name]
        for exchange in self._exchanges.values():
            exchange.unbind(queue)

    def _dead_letter(self, origin: Queue, queued: QueuedMessage, reason: str) -> None:
        """As in RabbitMQ, what the dead-letter exchange cannot route is gone."""
        if origin.dead_letter_exchange is not None:
            for queue in self._route(origin.dead_letter_exchange, queued.routing_key):
                message = replace(queued.message, dead_letter_reason=reason)
                queue.put(message, queued.message_id, queued.routing_key)

    def _route(self, exchange: str | None, routing_key: str) -> Collection[MemoryQueue]:
        tried: set[str] = set()
        while exchange in self._exchanges and exchange not in tried:
            tried.add(exchange)
            at = self._exchanges[exchange]
            if queues := at.targets(routing_key):
                return queues
            exchange = at.spec.alternate
        return ()


def _breaks_a_promise(found: Queue, wanted: Queue) -> bool:
    """Whether a task, its place or its delay could get lost in a queue that exists otherwise.

    What promises more than is wanted (priorities, a longer life) is adopted, as on RabbitMQ."""
    return (
        (wanted.prioritised and not found.prioritised)
        or (wanted.expires is None and found.expires is not None)
        or found.message_ttl != wanted.message_ttl
        or found.dead_letter_exchange != wanted.dead_letter_exchange
    )
