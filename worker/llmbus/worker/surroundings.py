"""`Surroundings`: what a worker stands on."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.store.interface import Store
from llmbus.shared.topology import Layout
from llmbus.worker.events import Observer, log_event
from llmbus.worker.llm_abstractions.factory import Providers
from llmbus.worker.subprocess_path import ScriptSettings

__all__ = ["Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """What a worker stands on. It opens and closes bus, store and providers itself."""

    bus: Bus
    store: Store
    providers: Providers
    layout: Layout = field(default_factory=Layout)
    registry: AgentRegistry = field(default_factory=AgentRegistry)
    clock: Clock = field(default_factory=SystemClock)
    observer: Observer = log_event
    scripts: ScriptSettings | None = None
    """How the fallback runs its scripts; None: this worker leaves the fallback queue alone."""
