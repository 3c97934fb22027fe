"""A redrive that is killed, or interrupted, at its worst moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.interface import Bus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import submission_of
from llmbus.shared.settings import BusSettings
from tests.integration.ops.command import ended, llmbus, start
from tests.support.parked import LANE, a_task, park
from tests.support.waiting import Collected, eventually

KILLED_BETWEEN_CONFIRMATION_AND_ACK = """
import os, signal
from llmbus.shared.bus import rabbitmq

class KilledBus(rabbitmq.RabbitmqBus):
    async def publish(self, exchange, routing_key, message):
        await super().publish(exchange, routing_key, message)
        os.kill(os.getpid(), signal.SIGKILL)

from llmbus.ops.cli.parking import options
options.RabbitmqBus = KilledBus
from llmbus.ops.cli import main
main()
"""


@pytest.fixture
async def bus(bus_settings: BusSettings) -> AsyncIterator[Bus]:
    async with RabbitmqBus(bus_settings, name="test") as bus:
        await bus.declare(bus_settings.layout.for_tasks([LANE]))
        yield bus


async def until_parked(bus: Bus, settings: BusSettings, count: int) -> None:
    async def that_many() -> bool:
        queue = settings.layout.parking_queue
        depth = (await bus.depths([queue]))[queue]
        return depth is not None and depth.ready == count

    await eventually(that_many, f"{count} messages stand in parking")


def environment(settings: BusSettings) -> dict[str, str]:
    return {"LLMBUS_AMQP_URL": settings.amqp_url.get_secret_value()}


async def test_killed_between_confirmation_and_ack_loses_nothing_and_asks_once(
    bus: Bus, bus_settings: BusSettings
) -> None:
    """The task stands in its lane and in parking then. The next redrive sends the same submission,
    of which a worker runs one (tests/contracts/parking/test_redrive.py)."""
    layout = bus_settings.layout
    for task_id in ("t1", "t2"):
        await park(bus, layout, a_task(task_id))
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        KILLED_BETWEEN_CONFIRMATION_AND_ACK,
        *("parking", "redrive", "--all"),
        env=os.environ | environment(bus_settings),
    )
    assert await killed.wait() == -signal.SIGKILL
    await until_parked(bus, bus_settings, 2)

    again = await llmbus("parking", "redrive", "--all", **environment(bus_settings))

    assert again.code == 0
    await until_parked(bus, bus_settings, 0)
    collected = Collected()
    await bus.consume(layout.lane_queue(LANE), 10, collected)
    first, *others = [each.message for each in await collected.wait_for(3)]
    twice = [each for each in others if each.correlation_id == first.correlation_id]
    assert [submission_of(each) for each in twice] == [submission_of(first)]
    assert {each.correlation_id for each in (first, *others)} == {"t1", "t2"}


async def test_ctrl_c_says_how_far_it_came_and_the_rest_stays(
    bus: Bus, bus_settings: BusSettings
) -> None:
    layout = bus_settings.layout
    for number in range(5):
        await park(bus, layout, a_task(f"t{number}"))
    sent = Collected()
    await bus.consume(layout.lane_queue(LANE), 10, sent)
    process = await start("parking", "redrive", "--all", "--rate", "2", **environment(bus_settings))
    await sent.wait_for(2)  # so the first of them is dealt with
    process.send_signal(signal.SIGINT)
    run = await ended(process)
    assert (run.code, run.err) == (130, "")
    assert f"sent to {layout.lane_queue(LANE)}" in run.out
    assert "not finished" in run.out
    rows = (await Parking(bus, layout, SystemClock()).survey(ParkingFilter(), 9)).rows
    assert 2 <= len(rows) <= 4
    in_lane = {delivery.message.correlation_id for delivery in sent.deliveries}
    assert in_lane | {row.task_id for row in rows} == {f"t{number}" for number in range(5)}
