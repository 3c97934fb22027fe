"""`llmbus parking discard` asks on a terminal, and takes a no for a no."""

from __future__ import annotations

import pytest

from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.clock import SystemClock
from llmbus.shared.settings import BusSettings
from tests.acceptance.terminal import Terminal
from tests.support.parked import LANE, a_task, park
from tests.support.programs import Programs


@pytest.mark.parametrize(("answer", "code", "left"), [(b"n", 1, 2), (b"y", 0, 1)])
async def test_only_what_was_shown_is_discarded_and_only_after_a_yes(
    bus_settings: BusSettings, answer: bytes, code: int, left: int
) -> None:
    layout = bus_settings.layout
    url = bus_settings.amqp_url.get_secret_value()
    async with (
        RabbitmqBus(bus_settings, name="test") as bus,
        Programs({"LLMBUS_AMQP_URL": url}) as programs,
        Terminal() as terminal,
    ):
        await bus.declare(layout.for_tasks([LANE]))
        await park(bus, layout, a_task("shown"))
        arguments = ("parking", "discard", "--all")
        program = await programs.start(arguments, terminal=terminal.program_side)
        await terminal.until_row("Discard what is listed here, 1 in all?")
        await park(bus, layout, a_task("parked meanwhile"))
        terminal.type(answer + b"\n")
        assert await program.exit_code() == code
        rows = (await Parking(bus, layout, SystemClock()).survey(ParkingFilter(), 9)).rows
    assert len(rows) == left
    assert rows[-1].task_id == "parked meanwhile"
