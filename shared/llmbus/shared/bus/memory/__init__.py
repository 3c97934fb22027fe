"""The transport for one process: no broker to install, the same rules as RabbitMQ."""

from llmbus.shared.bus.memory.broker import MemoryBroker
from llmbus.shared.bus.memory.bus import MemoryBus

__all__ = ["MemoryBroker", "MemoryBus"]
