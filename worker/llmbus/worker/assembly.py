"""Puts workers on RabbitMQ and Redis together: the module that names the concrete classes."""

from __future__ import annotations

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.shared.store.redis import RedisStore
from llmbus.worker.llm_abstractions import LlmFactory, Providers
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.usable import configured_providers, with_usable_lanes
from llmbus.worker.worker import Worker

__all__ = ["rabbitmq_fallback", "rabbitmq_worker"]


def rabbitmq_worker(
    settings: WorkerSettings,
    bus_settings: BusSettings,
    store_settings: StoreSettings,
    scripts: ScriptSettings | None = None,
) -> Worker:
    """A worker as the settings describe it; with `scripts` it serves the fallback queue, too.
    `ConfigurationError` if no provider is usable."""
    providers = configured_providers(settings.scripted)
    served = with_usable_lanes(settings, providers)
    return Worker(served, _around(served, bus_settings, store_settings, providers, scripts))


def rabbitmq_fallback(
    settings: WorkerSettings,
    bus_settings: BusSettings,
    store_settings: StoreSettings,
    scripts: ScriptSettings,
) -> Worker:
    """A worker that serves the fallback queue and no lane."""
    served = settings.model_copy(update={"lanes": ()})
    return Worker(served, _around(served, bus_settings, store_settings, LlmFactory, scripts))


def _around(
    settings: WorkerSettings,
    bus_settings: BusSettings,
    store_settings: StoreSettings,
    providers: Providers,
    scripts: ScriptSettings | None,
) -> Surroundings:
    return Surroundings(
        bus=RabbitmqBus(bus_settings, name=f"worker {settings.worker_id}"),
        store=RedisStore(store_settings),
        providers=providers,
        layout=bus_settings.layout,
        scripts=scripts,
    )
