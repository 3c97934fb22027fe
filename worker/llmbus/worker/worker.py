"""`Worker`: from start to drain, each stage said in the log."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

from llmbus.shared.agents import AgentType
from llmbus.shared.store.interface import WorkerEntry
from llmbus.worker.advertiser import Advertiser
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.consumers import Consumers, admission_within
from llmbus.worker.hand_over import HandOver
from llmbus.worker.health import Health
from llmbus.worker.health_watch import HealthWatch
from llmbus.worker.loop_lag import LoopLag
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.settings import WorkerSettings, slots_per_lane
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.usable import usable_models
from llmbus.worker.watchdog import Watchdog

__all__ = ["Surroundings", "Worker"]

FALLBACK: Final = "fallback"
"""What a worker that serves the fallback queue calls it among its lanes."""

_VERSION: Final = version("llmbus")
"""Read once: it stands in a file, and is announced every few seconds."""

_HANDED_OVER_AFTER: Final = 0.7
"""Of the time after which the broker takes a message back."""

_log = logging.getLogger("llmbus.worker")


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
        self._publisher = RunPublisher(
            surroundings.bus, surroundings.layout, surroundings.clock, surroundings.observer
        )
        admission = admission_within(settings.task_timeout_seconds, settings, surroundings)
        self._claims = ClaimKeeper(
            surroundings.store, settings.claim_terms, admission, settings.worker_id
        )
        make = Consumers(settings, surroundings, self._claims, self._publisher)
        self._consumers = [make.of_lanes(self._slots)] if self._slots else []
        if surroundings.scripts is not None:
            self._consumers.append(make.of_fallback(surroundings.scripts))
        bus, topology = surroundings.bus, surroundings.layout.for_tasks(self._slots)
        self._watchdogs = [
            Watchdog(bus, topology, each.intake, each.has_room) for each in self._consumers
        ]
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
            await resources.enter_async_context(self._hand_over())
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

    def _hand_over(self) -> HandOver:
        around = self._around
        after = around.bus.unsettled_limit and around.bus.unsettled_limit * _HANDED_OVER_AFTER
        if self._settings.hand_over_seconds is not None:
            after = timedelta(seconds=self._settings.hand_over_seconds)

        def return_overdue(after: timedelta) -> None:
            for consumer in self._consumers:
                consumer.return_overdue(after)

        return HandOver(
            lambda: [run for consumer in self._consumers for run in consumer.running],
            return_overdue,
            self._publisher,
            around.layout,
            around.clock,
            around.observer,
            after,
        )

    def _health_watch(self, advertiser: Advertiser) -> HealthWatch:
        interval = timedelta(seconds=self._settings.watchdog_seconds)
        return HealthWatch(
            self._health, self._watchdogs, self._consumers, advertiser.announce, interval
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
            version=_VERSION,
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
