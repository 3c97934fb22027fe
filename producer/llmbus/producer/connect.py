"""Reaching RabbitMQ and Redis from the settings. Apart, because the clients and the settings take a
third of a second to import and `import llmbus.producer` should not."""

from __future__ import annotations

from llmbus.shared.bus.interface import Bus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.shared.store.interface import Store
from llmbus.shared.store.redis import RedisStore
from llmbus.shared.topology import Layout

__all__ = ["rabbitmq_bus", "redis_store"]


def rabbitmq_bus(name: str, settings: BusSettings | None) -> tuple[Bus, Layout]:
    """A bus on RabbitMQ and the names it uses; `ConfigurationError` if a variable is wrong."""
    found = settings or read_settings(BusSettings)
    return RabbitmqBus(found, name=f"producer {name}"), found.layout


def redis_store() -> Store:
    """The store on Redis; `ConfigurationError` if a variable is wrong."""
    return RedisStore(read_settings(StoreSettings))
