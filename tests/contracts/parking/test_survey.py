"""Looking at parking tells what is there and leaves it as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from llmbus.ops.parking.message import Kind
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.parking import NO_ROUTE
from llmbus.shared.topology import Layout
from tests.contracts.bus.transports import Transport
from tests.support.parked import LANE, ORCHESTRATOR, a_result, a_task, park

EVERYTHING = ParkingFilter()


async def test_every_message_is_described_oldest_first(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    await park(bus, layout, a_task("t1", AgentType.CUSTOM), age=timedelta(hours=2))
    await park(bus, layout, a_result("t2"), ORCHESTRATOR, reason="the results queue is gone")
    await park(bus, layout, replace(a_task("t3"), body=b"{"), reason="unreadable")
    await bus.publish(layout.due, "night-shift", a_task("t4"))

    rows = (await parking.survey(EVERYTHING, 10)).rows

    assert [(row.task_id, row.kind, row.reason) for row in rows] == [
        ("t1", Kind.TASK, "nobody knows what to do"),
        ("t2", Kind.RESULT, "the results queue is gone"),
        ("t3", Kind.UNREADABLE, "unreadable"),
        ("t4", Kind.TASK, NO_ROUTE),
    ]
    assert [row.agent_type for row in rows] == ["custom", None, "openai-gpt", "openai-gpt"]
    assert [row.routing_key for row in rows] == [LANE, ORCHESTRATOR, LANE, "night-shift"]
    assert [row.origin for row in rows] == [layout.lane_queue(LANE)] * 3 + [""]
    assert rows[0].age_seconds == pytest.approx(7200, abs=60)


async def test_looking_twice_shows_the_same(bus: Bus, parking: Parking, layout: Layout) -> None:
    for number in range(5):
        await park(bus, layout, a_task(f"t{number}"))
    first, second = [(await parking.survey(EVERYTHING, 10)).rows for _ in range(2)]
    assert [row.message_id for row in first] == [row.message_id for row in second]


async def test_limit_bounds_the_rows_and_not_the_counts(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    for number in range(5):
        await park(bus, layout, a_task(f"t{number}"), reason="odd" if number % 2 else "even")
    survey = await parking.survey(EVERYTHING, 2)
    assert [row.task_id for row in survey.rows] == ["t0", "t1"]
    assert (survey.seen, survey.matched) == (5, 5)
    assert [(group.reason, group.count) for group in survey.groups] == [("even", 3), ("odd", 2)]


async def test_no_parking_is_an_empty_one(transport: Transport, layout: Layout) -> None:
    async with transport.new_bus() as bus:
        survey = await Parking(bus, layout, SystemClock()).survey(EVERYTHING, 10)
    assert (survey.seen, survey.matched, survey.rows) == (0, 0, [])


async def test_message_of_a_stranger_is_shown_too(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    stranger = replace(
        a_task(),
        correlation_id="",
        type="",
        content_type="text/plain",
        timestamp=None,
        headers={"llmbus-reason": 7, "llmbus-attempt": "x", "llmbus-agent": "{"},
    )
    await bus.publish(layout.unrouted, "", stranger)
    [row] = (await parking.survey(EVERYTHING, 10)).rows
    assert (row.kind, row.reason, row.age_seconds) == (Kind.UNREADABLE, NO_ROUTE, None)
    assert (await parking.survey(ParkingFilter(older_than=timedelta(0)), 10)).rows == []


async def test_names_are_ids_of_messages_or_tasks_or_their_beginnings(
    bus: Bus, parking: Parking, layout: Layout
) -> None:
    for task_id in ("release-1", "release-10", "draft"):
        await park(bus, layout, a_task(task_id))
    await park(bus, layout, a_result("draft"), ORCHESTRATOR)
    rows = (await parking.survey(EVERYTHING, 10)).rows
    one, ten, draft, answer = (row.message_id for row in rows)

    assert await parking.find([one]) == {one}
    assert await parking.find([ten[:20]]) == {ten}
    assert await parking.find(["release-1"]) == {one}
    assert await parking.find(["release-10", "dra"]) == {ten, draft, answer}
    with pytest.raises(InvalidInputError, match="means 2 messages"):
        await parking.find(["release"])
    with pytest.raises(InvalidInputError, match="nothing in parking has the id 'nobody'"):
        await parking.find(["release-1", "nobody"])
