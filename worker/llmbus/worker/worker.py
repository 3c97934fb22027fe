"""`Worker`: from start to drain, each stage said in the log."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Self

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.store.interface import Store, WorkerEntry
from llmbus.shared.topology import Layout
from llmbus.worker.advertiser import Advertiser
from llmbus.worker.consumer import Consumer
from llmbus.worker.events import Observer, log_event
from llmbus.worker.execution import Execution, Limits
from llmbus.worker.executor import Executor
from llmbus.worker.health import Health
from llmbus.worker.health_watch import HealthWatch
from llmbus.worker.llm_abstractions.errors import ProviderUnusableError
from llmbus.worker.llm_abstractions.factory import Providers
from llmbus.worker.loop_lag import LoopLag
from llmbus.worker.retry import RetryPolicy
from llmbus.worker.settings import WorkerSettings, slots_per_lane
from llmbus.worker.settlement import Settlement
from llmbus.worker.watchdog import Watchdog

__all__ = ["Surroundings", "Worker"]

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
        self._consumer = self._make_consumer()
        self._lag = LoopLag()
        self._watchdog = Watchdog(surroundings.bus, surroundings.layout, self._consumer.intake)
        max_lag = timedelta(seconds=settings.max_loop_lag_seconds)
        self._health = Health(surroundings.bus, self._lag, self._watchdog, max_lag)
        self._resources: AsyncExitStack | None = None
        self._usable: dict[AgentType, str] = {}
        self._started_at = surroundings.clock.now()

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
            self._usable = await _usable_models(around.providers, self._slots)
            heartbeat = timedelta(seconds=self._settings.advertise_seconds)
            advertiser = Advertiser(around.store, self._describe, heartbeat)
            await resources.enter_async_context(advertiser)
            resources.push_async_callback(self._drain, advertiser)
            await self._consumer.start()
            await resources.enter_async_context(self._health_watch(advertiser))
            resources.callback(self._health.begin_draining)  # entered last, so called first
            self._resources = resources.pop_all()
        self._health.begin_serving()
        fields = {"worker_id": self._settings.worker_id, "slots": dict(self._slots)}
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
        self._consumer.interrupt()

    async def _drain(self, advertiser: Advertiser) -> None:
        running = self._consumer.slots_used
        fields = {"running": running, "grace_seconds": self._settings.grace_seconds}
        _log.info("worker_draining", extra={"fields": fields})
        await advertiser.announce()
        await self._consumer.drain(timedelta(seconds=self._settings.grace_seconds))

    def _health_watch(self, advertiser: Advertiser) -> HealthWatch:
        interval = timedelta(seconds=self._settings.watchdog_seconds)
        return HealthWatch(
            self._health, self._watchdog, self._consumer, advertiser.announce, interval
        )

    def _make_consumer(self) -> Consumer:
        around = self._around
        limits = Limits(timeout=timedelta(seconds=self._settings.task_timeout_seconds))
        execution = Execution(
            Executor(around.providers, around.clock),
            RetryPolicy(around.layout.ladder, self._settings.max_attempts),
            limits,
            around.registry,
            around.clock,
            self._settings.worker_id,
        )
        settlement = Settlement(around.bus, around.layout, around.clock, around.observer)
        return Consumer(
            around.bus,
            around.layout,
            self._slots,
            execution.run,
            settlement.settle,
            around.observer,
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
            lanes=tuple(self._slots),
            agent_types=tuple(str(agent_type) for agent_type in self._usable),
            models=tuple(dict.fromkeys(self._usable.values())),
            capabilities=tuple(sorted(able)),
            slots_used=self._consumer.slots_used,
            slots_total=sum(self._slots.values()),
            draining=self._health.is_draining,
            not_ready=self._health.not_ready,
        )


async def _usable_models(providers: Providers, lanes: Collection[str]) -> dict[AgentType, str]:
    """The default model of every agent type that can really be asked here. Loads their SDKs now,
    so that the first task does not wait for an import."""
    usable: dict[AgentType, str] = {}
    for agent_type in AgentType:
        wanted = agent_type in lanes
        # A lane that is not named after an agent type may carry tasks for any of them.
        if not wanted and set(lanes) <= set(AgentType):
            continue
        try:
            await providers.load(agent_type)
            usable[agent_type] = providers.get_provider(agent_type).model
        except ProviderUnusableError as error:
            if wanted:
                fields = {"lane": agent_type.value, "reason": str(error)}
                _log.warning("lane_unusable", extra={"fields": fields})
    return usable
