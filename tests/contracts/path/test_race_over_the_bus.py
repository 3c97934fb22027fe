"""A race between agents on the bus: its losers are cancelled for good, wherever they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from llmbus.producer import BusExecutor, Producer
from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import StoreUnreachableError
from llmbus.shared.store.claims import CancelAnswer
from llmbus.shared.store.memory import MemoryStore
from llmbus.worker.events import TaskCancelled, TaskStarted
from tests.contracts.path.scene import LANE, PATIENCE_SECONDS, CountedProviders, Scene, task
from tests.support.waiting import eventually

SLOW_LANE = "google-gemini"
RACE = {"hybrid": {"strategy": "race", "agents": ["gpt-4", "gemini-pro"]}}


class StoreAway(MemoryStore):
    """For whoever wants to cancel."""

    async def request_cancel(
        self, task_id: str, reason: str, keep: timedelta, *, submission: str | None = None
    ) -> CancelAnswer:
        raise StoreUnreachableError("nobody answers at LLMBUS_REDIS_URL")


async def until_queued(scene: Scene, bus: Bus, lane: str, count: int) -> None:
    queue = scene.layout.lane_queue(lane)

    async def so_many() -> bool:
        depth = (await bus.depths([queue]))[queue]
        return depth is not None and depth.ready == count

    await eventually(so_many, f"{count} tasks wait in {queue}")


async def test_loser_that_runs_is_cut(scene: Scene) -> None:
    held = CountedProviders()
    held.gate.clear()
    async with (
        scene.store,
        scene.producer() as producer,
        scene.worker(lanes=SLOW_LANE, providers=held, worker_id="slow"),
    ):
        race = asyncio.create_task(BusExecutor(producer).execute(task(metadata=RACE)))
        await scene.events.wait_for(TaskStarted)
        async with scene.worker(lanes=LANE), asyncio.timeout(PATIENCE_SECONDS):
            result = await race
        [cut] = await scene.events.wait_for(TaskCancelled)
    assert result.status is ExecutionStatus.SUCCESS
    assert cut.task_id == "t1.gemini-pro"
    assert cut.reason == "cancelled: another agent was faster"


async def test_loser_that_waits_is_never_run(scene: Scene, bus: Bus) -> None:
    async with scene.store, scene.producer() as producer:
        race = asyncio.create_task(BusExecutor(producer).execute(task(metadata=RACE)))
        await until_queued(scene, bus, SLOW_LANE, 1)
        async with scene.worker(lanes=LANE), asyncio.timeout(PATIENCE_SECONDS):
            result = await race
        async with scene.worker(lanes=SLOW_LANE):
            await scene.events.wait_for(TaskCancelled)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1.gpt-4": 1}


async def test_race_that_is_given_up_as_a_whole_goes_on_in_its_workers(
    scene: Scene, bus: Bus
) -> None:
    """Its orchestrator stops; after a restart it goes on with what it has submitted."""
    async with scene.store, scene.producer() as producer:
        race = asyncio.create_task(BusExecutor(producer).execute(task(metadata=RACE)))
        for lane in (LANE, SLOW_LANE):
            await until_queued(scene, bus, lane, 1)
        race.cancel()
        await asyncio.wait([race])
        handles = [producer.expect(f"t1.{agent}") for agent in ("gpt-4", "gemini-pro")]
        async with scene.worker(lanes=f"{LANE},{SLOW_LANE}"):
            results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}


async def test_store_that_is_away_fails_no_race_and_is_told_once(
    scene: Scene, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    away = StoreAway(SystemClock())
    orchestrator = Producer("o", bus=scene.new_bus(), layout=scene.layout, store=away)
    async with scene.store, orchestrator as producer:
        executor = BusExecutor(producer)
        names = ["t1", "t2"]
        races = [asyncio.create_task(executor.execute(task(n, metadata=RACE))) for n in names]
        await until_queued(scene, bus, SLOW_LANE, len(names))
        async with scene.worker(lanes=LANE), asyncio.timeout(PATIENCE_SECONDS):
            results = [await race for race in races]
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    told = [each for each in caplog.records if each.getMessage() == "tasks_not_cancelled"]
    assert [each.__dict__["fields"]["reason"] for each in told] == [
        "nobody answers at LLMBUS_REDIS_URL"
    ]
