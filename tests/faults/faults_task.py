"""Tasks that are cancelled, that kill their workers, that come back from parking."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.parking import parked_copy
from llmbus.shared.task import AgentTask
from llmbus.shared.task_messages import task_message
from tests.faults.environment import LANE, MAX_CRASHES, ORCHESTRATOR_NAME, environment_of
from tests.faults.fault import WORKER_STEPS, Fault
from tests.faults.gatekeeper import Reached
from tests.faults.gates import digest_of
from tests.faults.history import Event, Fact
from tests.faults.progress import held_by
from tests.faults.steps import Step
from tests.faults.watched_provider import mark
from tests.faults.world import World

__all__ = ["TASK_FAULTS"]

_NOTED_SECONDS: Final = 5.0
_CUT_SECONDS: Final = 6.0
_TAKEN_OVER_SECONDS: Final = 15.0
_NEIGHBOURS_END_SECONDS: Final = 10.0
_OPERATORS: Final = 2
_CANCEL_ANSWERS: Final = frozenset({Fact.CANCEL_ACCEPTED, Fact.CANCEL_REFUSED})


async def _cancel(world: World, at: Reached) -> None:
    """While the task stands where it is. A call that runs is not answered before it is cut."""
    since = len(world.history.events)
    world.gatekeeper.order(world.orchestrator, at.task)
    await world.history.until_since(
        since, lambda event: event.fact in _CANCEL_ANSWERS and event.task == at.task, _NOTED_SECONDS
    )
    if at.step is Step.CALLED:
        await world.history.until_since(
            since,
            lambda event: event.fact is Fact.ANSWERING and event.task == at.task,
            _CUT_SECONDS,
        )


async def _first_death(world: World, at: Reached) -> None:
    world.provider.leave_unanswered(at.task)
    await _die_alone(at.who, world)


async def _further_deaths(world: World, at: Reached) -> None:
    for _ in range(MAX_CRASHES - 1):
        since = len(world.history.events)
        await world.start_worker(world.next_worker_name())

        def called(event: Event) -> bool:
            return event.fact is Fact.CALLED and event.task == at.task

        if not await world.history.until_since(since, called, _TAKEN_OVER_SECONDS):
            break
        *_, call = filter(called, world.history.events)
        await _die_alone(call.who, world)
    await world.start_worker(world.next_worker_name())
    world.provider.answer_again(at.task)


async def _die_alone(who: str, world: World) -> None:
    """What runs beside a deadly task when its worker dies is counted as its accomplice."""
    await world.history.until(
        lambda: held_by(who, world.history.events) <= set(world.provider.unanswered),
        _NEIGHBOURS_END_SECONDS,
    )
    if world.lives(who):
        world.kill(who)
        await world.programs[who].ended.wait()


async def _park_and_redrive(world: World, _: Reached) -> None:
    """By two operators at once."""
    task = AgentTask("raw-redriven", "From parking", mark("raw-redriven"), agent="gpt-4")
    now = SystemClock().now()
    message = task_message(
        task,
        encode_task(task),
        agent=RequestedAgent(AgentType.OPENAI_GPT),
        reply_to=ORCHESTRATOR_NAME,
        now=now,
    )
    layout = world.settings.layout
    parked = parked_copy(message, reason="mended since", origin=layout.lane_queue(LANE), now=now)
    world.history.record(
        Fact.SENT_RAW, task=task.task_id, digest=digest_of(message.body), note="parked"
    )
    async with RabbitmqBus(world.settings, name="faults") as bus:
        await bus.publish(layout.unrouted, LANE, parked)
    environment = await environment_of("operator", world.links)
    await asyncio.gather(*(_redrive(task.task_id, environment) for _ in range(_OPERATORS)))


async def _redrive(task_id: str, environment: Mapping[str, str]) -> None:
    command = Path(sys.executable).with_name("llmbus")
    process = await asyncio.create_subprocess_exec(
        *(command, "parking", "redrive", "--task", task_id),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


TASK_FAULTS: Final = (
    Fault(
        "task-cancelled",
        "the orchestrator cancels the task that has come there",
        WORKER_STEPS,
        strike=_cancel,
    ),
    Fault(
        "task-deadly",
        "three workers in a row are killed while they run the same task",
        (Step.CALLED,),
        strike=_first_death,
        heal=_further_deaths,
    ),
    Fault(
        "task-redriven",
        "a task comes back from parking, sent by two operators at once",
        WORKER_STEPS,
        strike=_park_and_redrive,
    ),
)
