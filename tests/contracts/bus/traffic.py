"""The layout on which the contract suite runs, and what travels on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from llmbus.shared.bus.interface import Bus, Delivery, Message
from llmbus.shared.ladder import RetryLadder
from llmbus.shared.topology import Layout
from tests.support.waiting import Collected, eventually

WAIT: Final = timedelta(milliseconds=125)
SHORT_WAIT: Final = timedelta(milliseconds=100)
LAYOUT: Final = Layout(ladder=RetryLadder((WAIT,)))
LANE: Final = "alpha"
OTHER_LANE: Final = "beta"
LANE_QUEUE: Final = LAYOUT.lane_queue(LANE)
OTHER_LANE_QUEUE: Final = LAYOUT.lane_queue(OTHER_LANE)
ENOUGH: Final = 100
"""A prefetch above all that a test publishes."""


def message(body: str = "task", priority: int = 4) -> Message:
    return Message(
        body=body.encode(), type="agent.task.v1", correlation_id=f"id-of-{body}", priority=priority
    )


async def submit(bus: Bus, *bodies: str, priority: int = 4, lane: str = LANE) -> None:
    """Publish to the lane, one after the other."""
    for body in bodies:
        await bus.publish(LAYOUT.tasks, lane, message(body, priority))


async def collect(bus: Bus, queue: str = LANE_QUEUE, prefetch: int = ENOUGH) -> Collected:
    collected = Collected()
    await bus.consume(queue, prefetch, collected)
    return collected


def bodies(deliveries: Iterable[Delivery]) -> list[str]:
    return [delivery.message.body.decode() for delivery in deliveries]


async def ready(bus: Bus, queue: str = LANE_QUEUE) -> int:
    """How many messages wait in a queue that exists."""
    depth = (await bus.depths([queue]))[queue]
    assert depth is not None
    return depth.ready


async def until_ready(bus: Bus, count: int, queue: str = LANE_QUEUE) -> None:
    async def holds_that_many() -> bool:
        return await ready(bus, queue) == count

    await eventually(holds_that_many, f"{count} messages are ready in {queue}")
