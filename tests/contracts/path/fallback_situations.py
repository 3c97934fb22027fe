"""How tasks get into the situations of the table in docs/operations.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from llmbus.producer import Producer
from llmbus.shared import AgentTask, AgentType
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import SystemClock
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import AGENT, RequestedAgent
from llmbus.shared.store.claims import Claimant, Claimed
from llmbus.shared.task_messages import task_message
from tests.contracts.bus.transports import RabbitmqTransport
from tests.contracts.path.scene import LANE, Scene
from tests.support.waiting import Collected, eventually

__all__ = [
    "Bring",
    "Stage",
    "cancelled_before",
    "deadly",
    "given_up_by_the_broker",
    "published",
    "rejected_by_another_program",
    "submitted",
    "unreadable",
]


@dataclass(frozen=True)
class Stage:
    """What a situation is made with."""

    scene: Scene
    bus: Bus
    producer: Producer


Bring = Callable[[Stage, AgentTask], Awaitable[None]]


async def submitted(stage: Stage, asked: AgentTask) -> None:
    await stage.producer.submit(asked)


async def published(stage: Stage, asked: AgentTask) -> None:
    """As it stands, without the producer's checks, and without a word about its agent."""
    message = _message(stage, asked)
    headers = {name: value for name, value in message.headers.items() if name != AGENT}
    stage.producer.expect(asked.task_id)
    await stage.bus.publish(stage.scene.layout.tasks, LANE, replace(message, headers=headers))


async def unreadable(stage: Stage, asked: AgentTask) -> None:
    message = replace(_message(stage, asked), body=b'{"task_id": 1}')
    await stage.bus.publish(stage.scene.layout.tasks, LANE, message)


async def deadly(stage: Stage, asked: AgentTask) -> None:
    """Workers had the task and never ended it."""
    for number in range(2):
        who = Claimant(
            task_id=asked.task_id,
            submission="another",
            attempt=1,
            holder=f"dead-{number}",
            run_id=f"run-{number}",
        )
        await eventually(partial(_begins_and_dies, stage, who), f"{who.holder} has the task")
    await stage.producer.submit(asked)


async def cancelled_before(stage: Stage, asked: AgentTask) -> None:
    await stage.scene.store.request_cancel(asked.task_id, "not wanted", timedelta(minutes=1))
    await stage.producer.submit(asked)


async def rejected_by_another_program(stage: Stage, asked: AgentTask) -> None:
    """One that consumes a lane of its own, and turns the task down."""
    layout = stage.scene.layout
    await stage.bus.declare(layout.for_tasks(["foreign"]))
    await stage.producer.submit(asked, lane="foreign")
    taken = Collected()
    await stage.bus.consume(layout.lane_queue("foreign"), 1, taken)
    [delivery] = await taken.wait_for(1)
    await delivery.reject()


async def given_up_by_the_broker(stage: Stage, asked: AgentTask) -> None:
    """Its quorum queue hands it over once more than it may."""
    transport, layout = stage.scene.transport, stage.scene.layout
    assert isinstance(transport, RabbitmqTransport)
    await transport.declare_limited_queue("limited", source=layout.tasks, dead_letters=layout.dead)
    await stage.producer.submit(asked, lane="limited")
    taken = Collected()
    await stage.bus.consume("limited", 1, taken)
    for count in (1, 2):
        delivery = (await taken.wait_for(count))[-1]
        await delivery.nack()


async def _begins_and_dies(stage: Stage, who: Claimant) -> bool:
    """Whether it got the task, which it never ends."""
    life, remembered = timedelta(milliseconds=1), timedelta(minutes=1)
    return isinstance(await stage.scene.store.claim(who, life, remembered), Claimed)


def _message(stage: Stage, asked: AgentTask) -> Message:
    return task_message(
        asked,
        encode_task(asked),
        agent=RequestedAgent(AgentType.OPENAI_GPT),
        reply_to=stage.producer.name,
        now=SystemClock().now(),
    )
