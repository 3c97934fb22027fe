"""Wait queues: a message comes back to its lane after a delay, as it was."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from llmbus.shared.bus.interface import Bus, Message
from tests.contracts.bus.traffic import (
    LANE,
    LAYOUT,
    OTHER_LANE,
    OTHER_LANE_QUEUE,
    SHORT_WAIT,
    WAIT,
    bodies,
    collect,
    message,
    ready,
    until_ready,
)

RETRY = LAYOUT.retry(WAIT)
CLOCK_SLACK_SECONDS = 0.02
"""Broker and test read different clocks, and a broker counts whole milliseconds."""


async def test_a_waiting_message_comes_to_its_lane_after_the_delay_and_not_before(
    bus: Bus,
) -> None:
    collected = await collect(bus)
    began = asyncio.get_running_loop().time()

    await bus.publish(RETRY, LANE, message())
    assert await ready(bus, RETRY) == 1

    await collected.wait_for(1)
    took = asyncio.get_running_loop().time() - began
    assert took >= WAIT.total_seconds() - CLOCK_SLACK_SECONDS
    await until_ready(bus, 0, RETRY)


async def test_a_message_is_the_same_after_waiting(bus: Bus) -> None:
    alpha = await collect(bus)
    beta = await collect(bus, OTHER_LANE_QUEUE)
    sent = Message(
        body=b"\x82\x00\xff",
        type="agent.task.v1",
        correlation_id="0b5c",
        priority=7,
        content_type="application/msgpack",
        reply_to="orchestrator-1",
        timestamp=datetime(2026, 3, 1, 12, 30, 59, tzinfo=UTC),
        headers={"llmbus-attempt": 2, "traceparent": "00-4bf9-00f0-01"},
    )

    await bus.publish(RETRY, OTHER_LANE, sent)

    [delivery] = await beta.wait_for(1)
    assert delivery.message == replace(sent, dead_letter_reason="expired")
    assert delivery.routing_key == OTHER_LANE
    assert delivery.queue == OTHER_LANE_QUEUE
    assert not delivery.redelivered
    await alpha.stays_at(0)


async def test_messages_that_waited_are_sorted_by_priority_in_their_lane(bus: Bus) -> None:
    for priority in (1, 9, 4, 7, 4):
        await bus.publish(RETRY, LANE, message(f"{priority}", priority))
    await until_ready(bus, 5)

    collected = await collect(bus)

    assert bodies(await collected.wait_for(5)) == ["9", "7", "4", "4", "1"]


async def test_a_shorter_wait_is_not_held_up_by_a_longer_one(bus: Bus) -> None:
    collected = await collect(bus)
    await bus.publish(RETRY, LANE, message("longer"))
    await bus.publish(LAYOUT.retry(SHORT_WAIT), LANE, message("shorter"))

    assert bodies(await collected.wait_for(2)) == ["shorter", "longer"]


async def test_many_messages_come_out_of_one_wait_in_the_order_they_went_in(bus: Bus) -> None:
    expected = [f"{number:02}" for number in range(50)]
    collected = await collect(bus)
    for body in expected:
        await bus.publish(RETRY, LANE, message(body))

    assert bodies(await collected.wait_for(50)) == expected


async def test_what_comes_due_for_a_lane_that_does_not_exist_goes_to_parking(bus: Bus) -> None:
    parking = await collect(bus, LAYOUT.parking_queue)
    sent = replace(message("homeless", priority=9), headers={"llmbus-attempt": 3})

    await bus.publish(RETRY, "gone", sent)

    [parked] = await parking.wait_for(1)
    assert parked.message == replace(sent, dead_letter_reason="expired")
    assert parked.routing_key == "gone"
