"""`Surroundings`: what a worker stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.store.interface import Store
from llmbus.shared.topology import Layout
from llmbus.worker.events import Observer, log_event
from llmbus.worker.llm_abstractions.factory import Providers
from llmbus.worker.script_path import ScriptPath
from llmbus.worker.subprocess_path import ScriptRunner, ScriptSettings

__all__ = ["MakeScriptPath", "Surroundings"]

MakeScriptPath = Callable[[ScriptSettings, Clock, Mapping[str, str]], ScriptPath]
"""Makes what runs the scripts of a fallback, in this environment."""


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
    make_script_path: MakeScriptPath = ScriptRunner
    """What runs those scripts; a `ScriptRunner` starts a process for each."""
