"""`Worker`: from start to drain, each stage said in the log."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.store.interface import Store, WorkerEntry
from llmbus.shared.topology import Layout
from llmbus.worker.admission import Admission
from llmbus.worker.advertiser import Advertiser
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.consumer import Consumer, Execute
from llmbus.worker.events import Observer, log_event
from llmbus.worker.execution import Execution, ExecutionRules
from llmbus.worker.executor import Executor
from llmbus.worker.fallback import FallbackExecution
from llmbus.worker.health import Health
from llmbus.worker.health_watch import HealthWatch
from llmbus.worker.intake import Source
from llmbus.worker.llm_abstractions.factory import Providers
from llmbus.worker.loop_lag import LoopLag
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.retry import RetryPolicy
from llmbus.worker.settings import WorkerSettings, slots_per_lane
from llmbus.worker.settlement import Settlement
from llmbus.worker.subprocess_path import ScriptRunner, ScriptSettings
from llmbus.worker.usable import usable_models
from llmbus.worker.watchdog import Watchdog

__all__ = ["Surroundings", "Worker"]

FALLBACK: Final = "fallback"
"""What a worker that serves the fallback queue calls it among its lanes."""

_log = logging.getLogger("llmbus.worker")


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


class Worker:
    """Takes tasks from its lanes, runs them and answers. An async context manager:

        async with Worker(settings, surroundings):
            await stop.wait()

    Entering connects, declares the lanes and begins to take tasks; leaving drains.
    """

    def __init__(self, settings: WorkerSettings, surroundings: Surroundings) -> None:
        """`ConfigurationError` if lanes and slots do not fit."""
        self._settings = settings
        self._around = surroundings
        self._slots = slots_per_lane(settings.lanes, settings.concurrency)
        self._admission = self._admission_within(settings.task_timeout_seconds)
        self._claims = ClaimKeeper(
            surroundings.store, settings.claim_terms, self._admission, settings.worker_id
        )
        self._consumers = [self._direct_consumer()] if self._slots else []
        if surroundings.scripts is not None:
            self._consumers.append(self._fallback_consumer(surroundings.scripts))
        bus, topology = surroundings.bus, surroundings.layout.for_tasks(self._slots)
        self._watchdogs = [Watchdog(bus, topology, each.intake) for each in self._consumers]
        self._lag = LoopLag()
        max_lag = timedelta(seconds=settings.max_loop_lag_seconds)
        self._health = Health(bus, self._lag, self._watchdogs, max_lag)
        self._resources: AsyncExitStack | None = None
        self._usable: dict[AgentType, str] = {}
        self._started_at = surroundings.clock.now()

    @property
    def settings(self) -> WorkerSettings:
        return self._settings

    @property
    def health(self) -> Health:
        """For probes; it can be asked before the worker is entered and after it was left."""
        return self._health

    async def __aenter__(self) -> Self:
        around = self._around
        async with AsyncExitStack() as resources:
            await resources.enter_async_context(self._lag)
            resources.push_async_callback(around.providers.aclose)
            await resources.enter_async_context(around.bus)
            await resources.enter_async_context(around.store)
            await around.bus.declare(around.layout.for_tasks(self._slots))
            self._usable = await usable_models(around.providers, self._slots)
            heartbeat = timedelta(seconds=self._settings.advertise_seconds)
            advertiser = Advertiser(around.store, self._describe, heartbeat)
            await resources.enter_async_context(advertiser)
            await resources.enter_async_context(self._claims)
            resources.push_async_callback(self._drain, advertiser)
            for consumer in self._consumers:
                await consumer.start()
            await resources.enter_async_context(self._health_watch(advertiser))
            resources.callback(self._health.begin_draining)  # entered last, so called first
            self._resources = resources.pop_all()
        self._health.begin_serving()
        fields = {"worker_id": self._settings.worker_id, "slots": self._all_slots}
        _log.info("worker_started", extra={"fields": fields})
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._resources is not None:
            resources, self._resources = self._resources, None
            await resources.aclose()
            _log.info("worker_stopped", extra={"fields": {"worker_id": self._settings.worker_id}})

    def hurry(self) -> None:
        """End the grace time of a drain now: what still runs goes back to its queue."""
        for consumer in self._consumers:
            consumer.interrupt()

    @property
    def _slots_used(self) -> int:
        return sum(consumer.slots_used for consumer in self._consumers)

    @property
    def _all_slots(self) -> dict[str, int]:
        """By lane, and those of the fallback."""
        scripts = self._around.scripts
        fallback = {} if scripts is None else {FALLBACK: scripts.fallback_concurrency}
        return self._slots | fallback

    async def _drain(self, advertiser: Advertiser) -> None:
        fields = {"running": self._slots_used, "grace_seconds": self._settings.grace_seconds}
        _log.info("worker_draining", extra={"fields": fields})
        await advertiser.announce()
        grace = timedelta(seconds=self._settings.grace_seconds)
        await asyncio.gather(*(consumer.drain(grace) for consumer in self._consumers))

    def _health_watch(self, advertiser: Advertiser) -> HealthWatch:
        interval = timedelta(seconds=self._settings.watchdog_seconds)
        return HealthWatch(
            self._health, self._watchdogs, self._consumers, advertiser.announce, interval
        )

    def _direct_consumer(self) -> Consumer:
        around, settings = self._around, self._settings
        rules = ExecutionRules(
            RetryPolicy(around.layout.ladder, settings.max_attempts, settings.retry_budgets),
            settings,
            settings.fallback_after_retries,
        )
        executor = Executor(around.providers, around.clock)
        execution = Execution(executor, self._admission, rules, around.clock)
        lanes = self._slots.items()
        sources = [Source(around.layout.lane_queue(lane), slots, lane) for lane, slots in lanes]
        return self._consumer(sources, execution.run)

    def _fallback_consumer(self, scripts: ScriptSettings) -> Consumer:
        around = self._around
        runner = ScriptRunner(scripts, around.clock)
        admission = self._admission_within(scripts.fallback_timeout_seconds)
        source = Source(around.layout.fallback_queue, scripts.fallback_concurrency)
        return self._consumer([source], FallbackExecution(runner, admission).run)

    def _admission_within(self, timeout_seconds: float) -> Admission:
        around = self._around
        limit = timedelta(seconds=timeout_seconds)
        return Admission(around.registry, around.clock, self._settings.worker_id, limit)

    def _consumer(self, sources: Sequence[Source], execute: Execute) -> Consumer:
        around = self._around
        publisher = RunPublisher(around.bus, around.layout, around.clock, around.observer)
        settlement = Settlement(
            publisher, self._claims, around.layout, around.clock, around.observer
        )
        return Consumer(
            around.bus, sources, execute, settlement.settle, self._claims, around.observer
        )

    def _describe(self) -> WorkerEntry:
        registered = self._around.registry.list_agents()
        able = {
            str(capability)
            for agent in registered
            if agent.agent_type in self._usable
            for capability in agent.capabilities
        }
        return WorkerEntry(
            worker_id=self._settings.worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("llmbus"),
            started_at=self._started_at,
            lanes=tuple(self._all_slots),
            agent_types=tuple(str(agent_type) for agent_type in self._usable),
            models=tuple(dict.fromkeys(self._usable.values())),
            capabilities=tuple(sorted(able)),
            slots_used=self._slots_used,
            slots_total=sum(self._all_slots.values()),
            draining=self._health.is_draining,
            not_ready=self._health.not_ready,
            direct_path=self._settings.use_direct_llm if self._slots else None,
        )
