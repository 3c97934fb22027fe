"""Puts a worker on RabbitMQ and Redis together: the module that names the concrete classes."""

from __future__ import annotations

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.shared.store.redis import RedisStore
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.usable import configured_providers, with_usable_lanes
from llmbus.worker.worker import Surroundings, Worker

__all__ = ["rabbitmq_worker"]


def rabbitmq_worker(
    settings: WorkerSettings, bus_settings: BusSettings, store_settings: StoreSettings
) -> Worker:
    """A worker as the settings describe it. `ConfigurationError` if no provider is usable."""
    providers = configured_providers(settings.scripted)
    surroundings = Surroundings(
        bus=RabbitmqBus(bus_settings, name=f"worker {settings.worker_id}"),
        store=RedisStore(store_settings),
        providers=providers,
        layout=bus_settings.layout,
    )
    return Worker(with_usable_lanes(settings, providers), surroundings)
