"""A worker process of the suite: the product's own worker, its bus and store behind gates."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from llmbus.shared.logs import LogFormat, configure_logs
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.worker import cli
from llmbus.worker.assembly import rabbitmq_surroundings
from llmbus.worker.events import DeliveryAdopted, Event, TaskStarted
from llmbus.worker.settings import WorkerSettings
from llmbus.worker.worker import Surroundings, Worker
from tests.faults.gate_client import GateClient
from tests.faults.gates import GatedBus, gated_store
from tests.faults.history import Fact
from tests.faults.stacks import show_tasks_on_signal
from tests.faults.steps import Step

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """`arguments`: the suite's socket, our name, the steps to stop at. Settings come from the
    environment, as for `llmbus worker`."""
    path, who, *stops = arguments
    configure_logs(LogFormat.JSON)
    gate = GateClient(path, who, [Step(stop) for stop in stops])
    settings = read_settings(WorkerSettings)
    around = rabbitmq_surroundings(
        settings, read_settings(BusSettings), read_settings(StoreSettings)
    )
    asyncio.run(_serve(settings, _gated(around, gate), gate))  # noqa: TID251  the entry point


async def _serve(settings: WorkerSettings, around: Surroundings, gate: GateClient) -> None:
    gate.attach()
    show_tasks_on_signal()
    # How the command handles signals is part of what is tried here.
    await cli._serve(Worker(settings, around))  # pyright: ignore[reportPrivateUsage]


def _gated(around: Surroundings, gate: GateClient) -> Surroundings:
    def observe(event: Event) -> None:
        around.observer(event)
        fields = {"task": event.task_id, "attempt": event.attempt}
        if isinstance(event, TaskStarted):
            gate.reach_now(Step.STARTED, Fact.STARTED, **fields)
        elif isinstance(event, DeliveryAdopted):
            gate.report(Fact.ADOPTED, **fields)

    return replace(
        around,
        bus=GatedBus(around.bus, gate, around.layout),
        store=gated_store(around.store, gate),
        observer=observe,
    )
