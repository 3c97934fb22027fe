"""What the product's own worker stands on in the suite: as in its assembly, behind thin gates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.logs import LogFormat, configure_logs
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.shared.store.redis import RedisStore
from llmbus.worker import cli
from llmbus.worker.events import DeliveryAdopted, Event, TaskStarted, log_event
from llmbus.worker.llm_abstractions import LlmFactory
from llmbus.worker.subprocess_path import ScriptSettings
from llmbus.worker.surroundings import Surroundings
from llmbus.worker.worker import Worker
from tests.faults.gate_client import GateClient
from tests.faults.gated_store import gated_store
from tests.faults.gates import gated_bus
from tests.faults.history import Fact
from tests.faults.stacks import show_tasks_on_signal
from tests.faults.stalls import report_stalls
from tests.faults.steps import Step

__all__ = ["serve_gated"]


def serve_gated(
    arguments: Sequence[str],
    make: Callable[[Surroundings], Worker],
    scripts: ScriptSettings | None = None,
) -> None:
    """Be a program of the suite until SIGTERM. `arguments`: the suite's socket, our name, the steps
    to stop at. Settings come from the environment, as for the product's commands."""
    path, who, *stops = arguments
    configure_logs(LogFormat.JSON)
    gate = GateClient(path, who, [Step(stop) for stop in stops])
    bus = read_settings(BusSettings)
    around = Surroundings(  # as in llmbus.worker.assembly
        bus=gated_bus(RabbitmqBus(bus, name=f"worker {who}"), gate, bus.layout),
        store=gated_store(RedisStore(read_settings(StoreSettings)), gate),
        providers=LlmFactory,
        layout=bus.layout,
        observer=partial(_observe, gate),
        scripts=scripts,
    )
    asyncio.run(_serve(make(around), gate))  # noqa: TID251  the programs' entry point


async def _serve(worker: Worker, gate: GateClient) -> None:
    gate.attach()
    show_tasks_on_signal()
    stalls = asyncio.create_task(
        report_stalls(lambda milliseconds: gate.report(Fact.STALLED, number=milliseconds))
    )
    # How the command handles signals is part of what is tried here.
    await cli._serve(worker)  # pyright: ignore[reportPrivateUsage]
    stalls.cancel()


def _observe(gate: GateClient, event: Event) -> None:
    log_event(event)
    fields = {"task": event.task_id, "attempt": event.attempt}
    if isinstance(event, TaskStarted):
        gate.reach_now(Step.STARTED, Fact.STARTED, **fields)
    elif isinstance(event, DeliveryAdopted):
        gate.report(Fact.ADOPTED, **fields)
