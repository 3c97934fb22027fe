"""Tasks that kill their workers, and that come back from parking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from llmbus.shared.agents import AgentType
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.parking import parked_copy
from llmbus.shared.task import AgentTask
from llmbus.shared.task_messages import task_message
from tests.faults.environment import LANE, MAX_CRASHES, ORCHESTRATOR_NAME
from tests.faults.fault import WORKER_STEPS, Fault, Whom
from tests.faults.gatekeeper import Reached
from tests.faults.gates import digest_of
from tests.faults.history import Event, Fact
from tests.faults.operator_commands import redrive
from tests.faults.progress import held_by
from tests.faults.steps import Step
from tests.faults.watched_provider import mark
from tests.faults.world import World

__all__ = ["FALLBACK_DEADLY_FAULTS", "TASK_FAULTS"]

_TAKEN_OVER_SECONDS: Final = 15.0
_NEIGHBOURS_END_SECONDS: Final = 10.0
_GIVEN_UP_SECONDS: Final = 10.0
_ANSWERED_SECONDS: Final = 15.0


async def _first_death(world: World, at: Reached) -> None:
    world.provider.leave_unanswered(at.task)
    await _die_alone(at.who, world)


async def _further_deaths(world: World, at: Reached) -> None:
    for _ in range(MAX_CRASHES - 1):
        await world.replace(at.who)
        await _next_death(world, at)
    await world.replace(at.who)
    world.provider.answer_again(at.task)


async def _next_death(world: World, at: Reached) -> None:
    """Of whoever calls for the task next, if anybody does."""
    since = _latest_death(world.history.events)

    def called(event: Event) -> bool:
        return event.fact is Fact.CALLED and event.task == at.task

    if await world.history.until_since(since, called, _TAKEN_OVER_SECONDS):
        call = next(event for event in world.history.events[since:] if called(event))
        await _die_alone(call.who, world)


def _latest_death(events: Sequence[Event]) -> int:
    return max(event.place for event in events if event.fact in {Fact.KILLED, Fact.REDRIVEN})


async def _pardon(world: World, at: Reached) -> None:
    """It becomes poison and is sent back; one more worker dies of it, the next one answers."""
    await _further_deaths(world, at)

    def given_up(event: Event) -> bool:
        return event.fact is Fact.GIVEN and event.task == at.task and "poison" in event.note

    since = len(world.history.events)
    if not await world.history.until_since(0, given_up, _GIVEN_UP_SECONDS):
        return
    world.provider.leave_unanswered(at.task)
    await redrive(world, at.task)
    await _next_death(world, at)
    await world.replace(at.who)
    world.provider.answer_again(at.task)

    def answered(event: Event) -> bool:
        return event.fact is Fact.GIVEN and event.task == at.task and "poison" not in event.note

    await world.history.until_since(since, answered, _ANSWERED_SECONDS)


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
    await redrive(world, task.task_id)


TASK_FAULTS: Final = (
    Fault(
        "task-deadly",
        "three workers in a row are killed while they run the same task",
        (Step.CALLED,),
        strike=_first_death,
        heal=_further_deaths,
        whom=Whom.WORKER,
    ),
    Fault(
        "task-pardoned",
        "a task that has killed three workers is sent back from parking, kills one more and is"
        " answered",
        (Step.CALLED,),
        strike=_first_death,
        heal=_pardon,
        whom=Whom.WORKER,
    ),
    Fault(
        "task-redriven",
        "a task comes back from parking, sent by two operators at once",
        WORKER_STEPS,
        strike=_park_and_redrive,
    ),
)
FALLBACK_DEADLY_FAULTS: Final = (
    Fault(
        "fallback-task-deadly",
        "three fallback consumers in a row are killed while they run the same task",
        (Step.CALLED,),
        strike=_first_death,
        heal=_further_deaths,
        whom=Whom.FALLBACK,
    ),
)
