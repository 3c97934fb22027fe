"""A worker in the caller's own process: the same code, without RabbitMQ and Redis."""

from __future__ import annotations

from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.store.memory import MemoryStore
from llmbus.shared.topology import Layout
from llmbus.worker.events import Observer, log_event
from llmbus.worker.llm_abstractions import Providers
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.usable import with_usable_lanes
from llmbus.worker.worker import Worker

__all__ = ["embedded_worker"]


def embedded_worker(
    settings: WorkerSettings,
    broker: MemoryBroker,
    providers: Providers,
    *,
    layout: Layout | None = None,
    observer: Observer = log_event,
    scripts: ScriptSettings | None = None,
) -> Worker:
    """A worker on this broker; producers reach it by a `MemoryBus` on the same one. With
    `scripts` it serves the fallback queue, too, which nobody else can here.
    `ConfigurationError` if the settings name no lane and no provider is usable."""
    surroundings = Surroundings(
        bus=MemoryBus(broker),
        store=MemoryStore(SystemClock()),
        providers=providers,
        layout=layout or Layout(),
        observer=observer,
        scripts=scripts,
    )
    return Worker(with_usable_lanes(settings, providers), surroundings)
