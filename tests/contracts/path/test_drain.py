"""A worker that stops loses nothing and charges nobody."""

from __future__ import annotations

import asyncio

from llmbus.shared import ExecutionStatus
from llmbus.worker.events import TaskInterrupted, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task


async def test_running_task_finishes_within_the_grace_time(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        async with scene.worker(concurrency=1, grace_seconds=PATIENCE_SECONDS):
            handle = await producer.submit(task())
            await scene.events.wait_for(TaskStarted)
            asyncio.get_running_loop().call_later(0.1, scene.providers.gate.set)
        assert not scene.events.of(TaskInterrupted)
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}


async def test_tasks_beyond_the_grace_time_go_back_uncharged(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        async with scene.worker(worker_id="w1", concurrency=2, grace_seconds=0):
            handles = await producer.submit_many(task(f"t{n}") for n in range(4))
            await scene.events.wait_for(TaskStarted, 2)
        assert len(scene.events.of(TaskInterrupted)) == 2
        scene.providers.gate.set()
        async with scene.worker(worker_id="w2"):
            results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert {result.worker_id for result in results} == {"w2"}
    assert {result.attempts for result in results} == {1}


async def test_hurry_ends_the_grace_time(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        async with scene.worker(grace_seconds=3_600) as worker:
            await producer.submit(task())
            await scene.events.wait_for(TaskStarted)
            asyncio.get_running_loop().call_later(0.1, worker.hurry)
        assert scene.events.of(TaskInterrupted)


async def test_draining_worker_takes_nothing_more(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        stopping = scene.worker(concurrency=1, grace_seconds=PATIENCE_SECONDS)
        async with stopping:
            running = await producer.submit(task("running"))
            await scene.events.wait_for(TaskStarted)
            late = await producer.submit(task("late"))
            asyncio.get_running_loop().call_later(0.1, scene.providers.gate.set)
        await running.wait(PATIENCE_SECONDS)
        assert not late.done()
        async with scene.worker():
            await late.wait(PATIENCE_SECONDS)


async def test_worker_shows_itself_and_that_it_drains(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        async with scene.worker(worker_id="w1", concurrency=3, grace_seconds=PATIENCE_SECONDS):
            handle = await producer.submit(task())
            await scene.events.wait_for(TaskStarted)
            [entry] = await scene.store.workers()
            asyncio.get_running_loop().call_later(0.1, scene.providers.gate.set)
        await handle.wait(PATIENCE_SECONDS)
    async with scene.store:
        assert await scene.store.workers() == []
    assert (entry.worker_id, entry.lanes, entry.slots_total) == ("w1", ("openai-gpt",), 3)
    assert entry.agent_types == ("openai-gpt",)
    assert entry.models == ("scripted",)
    assert "code" in entry.capabilities


async def test_answer_that_is_on_its_way_is_not_paid_for_again(scene: Scene) -> None:
    """Every call has ended, no answer is confirmed, and the grace time is over."""
    scene.providers.gate.clear()
    async with scene.producer() as producer:
        async with scene.worker(concurrency=50, grace_seconds=0):
            handles = await producer.submit_many(task(f"t{n}") for n in range(50))
            await scene.events.wait_for(TaskStarted, 50)
            scene.providers.gate.set()
            await scene.providers.all_answered(50)
        assert not scene.events.of(TaskInterrupted)
        results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert set(scene.providers.calls.values()) == {1}
