"""Which run a delivery belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from llmbus.shared.bus.interface import Delivery, Message
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.topology import Layout
from llmbus.worker.outcome import Parked
from llmbus.worker.run import Run, RunKey
from llmbus.worker.runs import Runs

LAYOUT = Layout()
KEY = RunKey("t1", "then", 1)


def new_run() -> Run:
    queue = LAYOUT.lane_queue("a")
    return Run(KEY, "a", queue, "a", Message(b"", "agent.task.v1", "t1", 4), Parked("unreadable"))


class Returned:
    """Takes what a run returns as soon as the broker hands it over again, however often."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.came = 0
        self.again = asyncio.Event()

    def take(self, delivery: Delivery) -> None:
        self.came += 1
        run = self.runs.find(KEY)
        if run is None:
            run = new_run()
            self.runs.enter(run)
        run.adopt(delivery)
        self.again.set()


@pytest.fixture
async def taken() -> AsyncIterator[Returned]:
    returned = Returned(Runs())
    async with MemoryBus(MemoryBroker()) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.consume(LAYOUT.lane_queue("a"), 2, returned.take)
        for number in range(2):
            await bus.publish(LAYOUT.tasks, "a", Message(b"", "agent.task.v1", f"t{number}", 4))
        while returned.came < 2:
            returned.again.clear()
            await returned.again.wait()
        yield returned


async def test_deliveries_of_one_key_belong_to_one_run(taken: Returned) -> None:
    [run] = taken.runs.here
    assert len(run.deliveries) == 2


async def test_what_a_run_returns_belongs_to_the_next_one(taken: Returned) -> None:
    """Adopted by the run that returns it, it would be returned for ever."""
    [first] = taken.runs.here
    async with asyncio.timeout(20):
        await first.nack()
        while taken.came < 4:
            taken.again.clear()
            await taken.again.wait()
    second = taken.runs.find(KEY)
    assert second is not None
    assert second is not first
    assert (first.deliveries, len(second.deliveries)) == ([], 2)


async def test_a_run_that_leaves_keeps_its_place_for_its_successor(taken: Returned) -> None:
    [first] = taken.runs.here
    await first.nack()
    second = new_run()
    taken.runs.enter(second)
    taken.runs.leave(first)
    assert taken.runs.find(KEY) is second
    assert second.earlier is first
