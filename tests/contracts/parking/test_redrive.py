"""A redrive loses nothing, changes nothing but the attempts, and is done once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from llmbus.ops.parking.pace import Pace
from llmbus.ops.parking.redrive import UNREADABLE, Detour, Redrive, Step
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.interface import Bus, Delivery, Message
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import attempt_of, submission_of
from llmbus.shared.errors import BrokerUnreachableError, LlmbusError
from llmbus.shared.parking import history_of
from llmbus.shared.result import Failure, FailureKind
from llmbus.shared.task_messages import fallback_copy, retry_copy
from llmbus.shared.topology import Layout
from llmbus.worker.events import TaskFinished
from tests.contracts.bus.transports import Transport
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene
from tests.support.parked import LANE, ORCHESTRATOR, a_result, a_task, park
from tests.support.waiting import Collected, eventually

EVERYTHING = ParkingFilter()
BROKEN = Failure(FailureKind.UNAVAILABLE, "overloaded", retryable=True)


async def redriven(
    parking: Parking, wanted: ParkingFilter = EVERYTHING, to: str | None = None
) -> list[Step]:
    work = Redrive(parking, wanted, Detour(to) if to else None, Pace(0))
    async with aclosing(work.carry_out()) as steps:
        return [step async for step in steps]


async def planned(parking: Parking) -> list[Step]:
    async with aclosing(Redrive(parking, EVERYTHING, None, Pace(0)).plan()) as steps:
        return [step async for step in steps]


async def until_ready(bus: Bus, queue: str, count: int) -> None:
    async def holds_that_many() -> bool:
        depth = (await bus.depths([queue]))[queue]
        return depth is not None and depth.ready == count

    await eventually(holds_that_many, f"{count} messages are ready in {queue}")


async def taken(bus: Bus, queue: str, count: int) -> list[Delivery]:
    collected = Collected()
    subscription = await bus.consume(queue, 100, collected)
    deliveries = await collected.wait_for(count)
    for delivery in deliveries:
        await delivery.ack()
    await subscription.cancel()
    await until_ready(bus, queue, 0)
    return deliveries


async def test_task_goes_to_its_lane_and_keeps_ids_priority_and_history(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    now = SystemClock().now()
    failed = retry_copy(replace(a_task(), priority=9), failure=BROKEN, spent=None, now=now)
    await park(bus, layout, failed, reason="poison", failure=BROKEN)

    [step] = await redriven(parking)

    assert (step.to, step.problem) == (layout.lane_queue(LANE), "")
    [delivery] = await taken(bus, layout.lane_queue(LANE), 1)
    message = delivery.message
    assert delivery.routing_key == LANE
    for name in ("body", "priority", "reply_to", "correlation_id", "content_type", "type"):
        assert getattr(message, name) == getattr(failed, name)
    assert attempt_of(message) == 1
    [stay] = history_of(message)
    assert (stay.reason, stay.attempts, stay.failure) == ("poison", 2, BROKEN)
    await until_ready(bus, layout.parking_queue, 0)


async def test_each_goes_where_it_came_from(bus: Bus, parking: Parking, layout: Layout) -> None:
    now = SystemClock().now()
    handed = fallback_copy(
        a_task("handed"), reason="missing_api_key", failure=None, attempt=1, spent=None, now=now
    )
    await park(bus, layout, a_task("task"))
    await park(bus, layout, handed, origin=layout.fallback_queue)
    await park(bus, layout, a_result("answered"), ORCHESTRATOR)
    await bus.publish(layout.due, LANE, a_task("of-the-broker"))

    assert [step.problem for step in await redriven(parking)] == [""] * 3

    queues = (
        layout.lane_queue(LANE),
        layout.fallback_queue,
        layout.results_queue(ORCHESTRATOR),
    )
    found = [(await taken(bus, queue, 1))[0].message for queue in queues[1:]]
    assert [message.correlation_id for message in found] == ["handed", "answered"]
    in_lane = await taken(bus, queues[0], 2)
    assert {each.message.correlation_id for each in in_lane} == {"task", "of-the-broker"}


async def test_what_the_broker_parked_goes_back_once_its_lane_is_served(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await bus.publish(layout.due, "night-shift", a_task())
    [step] = await redriven(parking)
    assert step.problem == f"there is no queue {layout.lane_queue('night-shift')!r}"
    await until_ready(bus, layout.parking_queue, 1)

    await bus.declare(layout.for_tasks(["night-shift"]))
    [step] = await redriven(parking)
    assert step.problem == ""
    await taken(bus, layout.lane_queue("night-shift"), 1)


async def test_result_waits_in_parking_until_its_orchestrator_is_back(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, a_result(), "gone")
    assert (await redriven(parking))[0].problem
    await bus.declare(layout.for_results("gone"))
    assert not (await redriven(parking))[0].problem
    await taken(bus, layout.results_queue("gone"), 1)


async def test_lane_of_the_operator_takes_precedence_for_tasks_alone(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await bus.declare(layout.for_tasks(["night-shift"]))
    await park(bus, layout, a_task(), origin=layout.fallback_queue)
    await park(bus, layout, a_result("answered"), ORCHESTRATOR)
    of_task, of_result = await redriven(parking, to="night-shift")
    assert not of_task.problem
    assert "orchestrator" in of_result.problem
    await taken(bus, layout.lane_queue("night-shift"), 1)
    await until_ready(bus, layout.parking_queue, 1)


async def test_what_nobody_can_read_needs_its_name(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, replace(a_task(), body=b"\xff no task"))
    assert [step.problem for step in await redriven(parking)] == [UNREADABLE]
    named = ParkingFilter(message_ids=await parking.find(["t1"]))
    assert [step.problem for step in await redriven(parking, named)] == [""]
    await taken(bus, layout.lane_queue(LANE), 1)


async def test_plan_sends_nothing_and_knows_which_queue_is_missing(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, a_task())
    await park(bus, layout, a_result("answered"), "gone")
    for _ in range(2):
        assert [bool(step.problem) for step in await planned(parking)] == [False, True]
        await until_ready(bus, layout.parking_queue, 2)
    await until_ready(bus, layout.lane_queue(LANE), 0)


async def test_only_what_matches_leaves_and_the_rest_keeps_its_order(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    for number in range(6):
        await park(bus, layout, a_task(f"t{number}"), reason="odd" if number % 2 else "even")
    await redriven(parking, ParkingFilter(reason="ODD"))
    await until_ready(bus, layout.parking_queue, 3)
    left = (await parking.survey(EVERYTHING, 10)).rows
    assert [parked.task_id for parked in left] == ["t0", "t2", "t4"]
    assert len(await taken(bus, layout.lane_queue(LANE), 3)) == 3


async def test_what_is_parked_anew_meanwhile_is_not_sent_again(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, a_task("first"))
    await park(bus, layout, a_task("second"))
    work = Redrive(parking, EVERYTHING, None, Pace(0))
    sent: list[str] = []
    async with aclosing(work.carry_out()) as steps:
        async for step in steps:
            sent.append(step.parked.task_id)
            await park(bus, layout, a_task("back again"))
    assert sent == ["first", "second"]
    await until_ready(bus, layout.parking_queue, 2)


async def test_two_operators_send_each_message_once(
    bus: Bus, parking: Parking, layout: Layout, transport: Transport
) -> None:
    for number in range(40):
        await park(bus, layout, a_task(f"t{number}"))
    async with transport.new_bus() as other_bus:
        other = Parking(other_bus, layout, SystemClock())
        mine, theirs = await asyncio.gather(redriven(parking), redriven(other))
    assert len(mine) + len(theirs) == 40
    in_lane = await taken(bus, layout.lane_queue(LANE), 40)
    assert len({delivery.message.correlation_id for delivery in in_lane}) == 40


async def test_lost_connection_loses_nothing_and_the_second_redrive_does_the_rest(
    bus: Bus, parking: Parking, layout: Layout, transport: Transport
) -> None:
    """What was under way may be sent twice: then both copies are one submission."""
    parked = [await park(bus, layout, a_task(f"t{number}")) for number in range(10)]
    work = Redrive(parking, EVERYTHING, None, Pace(0))
    async with aclosing(work.carry_out()) as steps:
        for _ in range(4):
            await anext(steps)
        await transport.drop_connections()
        with pytest.raises(BrokerUnreachableError):
            await anext(steps)
    await redriven(parking)
    await until_ready(bus, layout.parking_queue, 0)
    collected = Collected()
    await bus.consume(layout.lane_queue(LANE), 100, collected)
    await collected.wait_for_each([message.body for message in parked])
    await until_ready(bus, layout.lane_queue(LANE), 0)
    assert len({submission_of(each.message) for each in collected.deliveries}) == 10
    assert len(collected.deliveries) <= 11


class DiesAfterTheConfirmation(LlmbusError):
    """In the place of a killed process: nothing after the publish is done."""


class DyingBus:
    """Ends its user between confirmation and ack."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.visit = bus.visit
        self.depths = bus.depths

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        await self._bus.publish(exchange, routing_key, message)
        raise DiesAfterTheConfirmation


async def test_task_that_was_sent_twice_is_run_once(
    bus: Bus, parking: Parking, layout: Layout, scene: Scene
) -> None:
    await park(bus, layout, a_task())
    dying = Parking(cast(Bus, DyingBus(parking.bus)), layout, SystemClock())
    with pytest.raises(DiesAfterTheConfirmation):
        await redriven(dying)
    await redriven(parking)
    await until_ready(bus, layout.lane_queue(LANE), 2)

    async with scene.producer(ORCHESTRATOR) as producer, scene.worker():
        await scene.events.wait_for(TaskFinished)
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await anext(aiter(producer.results()))
        await until_ready(bus, layout.lane_queue(LANE), 0)
    assert result.task_id == "t1"
    assert scene.providers.calls == {"t1": 1}


async def test_task_that_fails_again_can_be_sent_again_and_is_another_submission(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, a_task())
    submissions: list[str | None] = []
    for _ in range(3):
        await redriven(parking)
        [delivery] = await taken(bus, layout.lane_queue(LANE), 1)
        submissions.append(submission_of(delivery.message))
        await park(bus, layout, delivery.message, age=timedelta(minutes=1))
    assert len(set(submissions)) == 3
    [row] = (await parking.survey(EVERYTHING, 1)).rows
    assert row.redrives == 3
