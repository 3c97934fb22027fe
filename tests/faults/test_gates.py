"""Programs tell the suite everything in order, and stand still exactly where they must."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.gate_client import GateClient
from tests.faults.gatekeeper import Gatekeeper, Reached
from tests.faults.history import Fact, History, read_history
from tests.faults.steps import Step

PATIENCE_SECONDS = 10.0


class Judge:
    """Lets nobody go on before it is told."""

    def __init__(self) -> None:
        self.reached: list[Reached] = []
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, at: Reached) -> None:
        self.reached.append(at)
        self.arrived.set()
        await self.go.wait()


async def test_a_stop_lasts_until_the_suite_lets_go(tmp_path: Path) -> None:
    judge = Judge()
    with (tmp_path / "history").open("wb") as file:
        history = History(file, lambda: 1.0)
        async with Gatekeeper(tmp_path / "gates", history, judge) as keeper:
            gate = GateClient(str(keeper.path), "w1", [Step.ANSWERING])
            gate.attach()
            gate.report(Fact.STARTED, task="t1", attempt=1)
            await gate.reach(Step.ACKING, Fact.ACKING, task="t1")  # not one of its stops
            stopped = asyncio.create_task(gate.reach(Step.ANSWERING, Fact.ANSWERING, task="t1"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                await judge.arrived.wait()
            assert not stopped.done()
            judge.go.set()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await stopped
            gate.close()
    facts = [event.fact for event in history.events]
    assert facts == [Fact.STARTED, Fact.ACKING, Fact.ANSWERING]
    assert judge.reached == [Reached(Step.ANSWERING, "w1", "t1", 0)]
    assert read_history(tmp_path / "history") == history.events


async def test_a_stop_outside_of_the_event_loop_stops_the_whole_program(tmp_path: Path) -> None:
    judge = Judge()
    with (tmp_path / "history").open("wb") as file:
        history = History(file, lambda: 1.0)
        async with Gatekeeper(tmp_path / "gates", history, judge) as keeper:
            gate = GateClient(str(keeper.path), "w1", [Step.DELIVERED])
            reach = asyncio.to_thread(gate.reach_now, Step.DELIVERED, Fact.DELIVERED, task="t1")
            stopped = asyncio.create_task(reach)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await judge.arrived.wait()
                assert not stopped.done()
                judge.go.set()
                await stopped
            gate.close()
    assert judge.reached == [Reached(Step.DELIVERED, "w1", "t1", 0)]
