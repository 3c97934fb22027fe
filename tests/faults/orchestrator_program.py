"""The orchestrator process of the suite: submits its tasks, takes every result, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Final

import msgspec

from llmbus.producer import Producer, TaskHandle
from llmbus.shared import AgentTask
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.codec import encode_result
from llmbus.shared.errors import LlmbusError, PublishUnknownError, UnavailableError
from llmbus.shared.logs import LogFormat, configure_logs
from llmbus.shared.settings import BusSettings, StoreSettings, read_settings
from llmbus.shared.store.claims import CancelNoted
from llmbus.shared.store.redis import RedisStore
from tests.faults.environment import ORCHESTRATOR_NAME
from tests.faults.gate_client import GateClient
from tests.faults.gates import digest_of, gated_bus
from tests.faults.history import Fact
from tests.faults.stacks import show_tasks_on_signal
from tests.faults.steps import Step

__all__ = ["main"]

_PAUSE_SECONDS: Final = 0.1

Submission = asyncio.Task[TaskHandle | None]
"""Its result is None where the task was refused for good."""


def main(arguments: Sequence[str]) -> None:
    """`arguments`: the suite's socket, our name, the file of tasks, a file for results, the steps
    to stop at."""
    path, who, file, results, *stops = arguments
    configure_logs(LogFormat.JSON)
    gate = GateClient(path, who, [Step(stop) for stop in stops])
    tasks = msgspec.json.decode(Path(file).read_bytes(), type=list[AgentTask])
    with Path(results).open("ab") as kept:
        asyncio.run(_serve(gate, tasks, kept))  # noqa: TID251  the program's entry point


async def _serve(gate: GateClient, tasks: Sequence[AgentTask], kept: IO[bytes]) -> None:
    gate.attach()
    show_tasks_on_signal()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = read_settings(BusSettings)
    bus = gated_bus(RabbitmqBus(settings, name="orchestrator"), gate, settings.layout)
    store = RedisStore(read_settings(StoreSettings))
    async with Producer(
        ORCHESTRATOR_NAME, bus=bus, layout=settings.layout, store=store
    ) as producer:
        gate.report(Fact.PROCESS_READY)
        taking = asyncio.create_task(_take_results(producer, gate, kept))
        submissions = {
            task.task_id: asyncio.create_task(_submit(producer, task, gate)) for task in tasks
        }
        submitting = asyncio.gather(*submissions.values())
        gate.on_order = partial(_cancel_soon, submissions, set[asyncio.Task[None]](), gate)
        await stop.wait()
        for work in (submitting, taking):
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


async def _submit(producer: Producer, task: AgentTask, gate: GateClient) -> TaskHandle | None:
    """Until it is accepted: what had no answer is submitted again, as the documentation says."""
    while True:
        try:
            handle = await producer.submit(task)
        except (PublishUnknownError, UnavailableError) as error:
            gate.report(Fact.REFUSED, task=task.task_id, note=type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)
        except LlmbusError as error:
            note = f"{type(error).__name__}: {error}"
            gate.report(Fact.REFUSED, task=task.task_id, number=1, note=note)
            return None
        else:
            gate.report(Fact.ACCEPTED, task=task.task_id)
            return handle


def _cancel_soon(
    submissions: Mapping[str, Submission],
    chores: set[asyncio.Task[None]],
    gate: GateClient,
    order: str,
) -> None:
    """The only order there is: the id of a task that is not wanted any more."""
    if order in submissions:
        chore = asyncio.create_task(_cancel(order, submissions[order], gate))
        chores.add(chore)
        chore.add_done_callback(chores.discard)


async def _cancel(task_id: str, submission: Submission, gate: GateClient) -> None:
    handle = await asyncio.shield(submission)
    if handle is None:
        return
    try:
        answer = await handle.cancel("the fault suite no longer wants it")
    except LlmbusError as error:
        gate.report(Fact.CANCEL_REFUSED, task=task_id, note=type(error).__name__)
        return
    noted = isinstance(answer, CancelNoted)
    fact = Fact.CANCEL_ACCEPTED if noted else Fact.CANCEL_REFUSED
    gate.report(fact, task=task_id, note=type(answer).__name__)


async def _take_results(producer: Producer, gate: GateClient, kept: IO[bytes]) -> None:
    async for result in producer.results():
        body = encode_result(result)
        kept.write(body + b"\n")
        kept.flush()
        gate.report(
            Fact.GIVEN,
            task=result.task_id,
            attempt=result.attempts,
            digest=digest_of(body),
            note=f"{result.status}"
            + (f" {result.failure.kind}" if result.failure else "")
            + f" by {result.worker_id}",
        )
