"""Where a message goes: an exchange and its bindings."""

from __future__ import annotations

from collections.abc import Collection

from llmbus.shared.bus.memory.queue import MemoryQueue
from llmbus.shared.topology import Exchange, ExchangeKind

__all__ = ["MemoryExchange"]


class MemoryExchange:
    """A direct exchange compares routing keys, a fanout passes on to all that is bound."""

    def __init__(self, spec: Exchange) -> None:
        self.spec = spec
        self._bound: dict[str, dict[str, MemoryQueue]] = {}

    def bind(self, queue: MemoryQueue, routing_key: str) -> None:
        self._bound.setdefault(self._slot(routing_key), {})[queue.spec.name] = queue

    def unbind(self, queue: MemoryQueue) -> None:
        for queues in self._bound.values():
            queues.pop(queue.spec.name, None)

    def targets(self, routing_key: str) -> Collection[MemoryQueue]:
        """The queues that take a message with this routing key, each once."""
        return self._bound.get(self._slot(routing_key), {}).values()

    def _slot(self, routing_key: str) -> str:
        return "" if self.spec.kind is ExchangeKind.FANOUT else routing_key
