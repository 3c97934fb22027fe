"""Puts a worker together: the only module that names every concrete class."""

from __future__ import annotations

from pathlib import Path

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import BusSettings, StoreSettings
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.store.redis import RedisStore
from llmbus.shared.topology import Layout
from llmbus.worker.events import Observer, log_event
from llmbus.worker.llm_abstractions import LlmFactory, Providers, ScriptedProviders
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.worker import Surroundings, Worker

__all__ = ["embedded_worker", "rabbitmq_worker"]


def rabbitmq_worker(
    settings: WorkerSettings, bus_settings: BusSettings, store_settings: StoreSettings
) -> Worker:
    """A worker on RabbitMQ and Redis. `ConfigurationError` if no provider is usable here."""
    providers = _providers(settings.scripted)
    surroundings = Surroundings(
        bus=RabbitmqBus(bus_settings, name=f"worker {settings.worker_id}"),
        store=RedisStore(store_settings),
        providers=providers,
        layout=bus_settings.layout,
    )
    return Worker(_with_usable_lanes(settings, providers), surroundings)


def embedded_worker(
    settings: WorkerSettings,
    broker: MemoryBroker,
    layout: Layout,
    observer: Observer = log_event,
) -> Worker:
    """A worker in the caller's process: same code, no RabbitMQ, no Redis."""
    providers = _providers(settings.scripted)
    surroundings = Surroundings(
        bus=MemoryBus(broker),
        store=MemoryStore(SystemClock()),
        providers=providers,
        layout=layout,
        observer=observer,
    )
    return Worker(_with_usable_lanes(settings, providers), surroundings)


def _providers(scripted: Path | None) -> Providers:
    return LlmFactory if scripted is None else ScriptedProviders.from_file(scripted)


def _with_usable_lanes(settings: WorkerSettings, providers: Providers) -> WorkerSettings:
    if settings.lanes:
        return settings
    usable = tuple(str(kind) for kind in AgentType if providers.is_provider_available(kind))
    if not usable:
        raise ConfigurationError(
            "no provider is usable here: install one (pip install 'llmbus[openai]') and set its"
            " key (OPENAI_API_KEY), name the lanes (LLMBUS_LANES, --lanes), or give scripted"
            " answers (LLMBUS_SCRIPTED, --scripted)"
        )
    return settings.model_copy(update={"lanes": usable})
