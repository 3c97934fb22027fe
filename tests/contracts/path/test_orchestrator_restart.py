"""Results belong to an orchestrator's name, not to a process: they outlive it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from llmbus.producer import Producer
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.errors import ClosedError
from llmbus.worker.events import TaskFinished
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task


class OrchestratorDiedError(Exception):
    """Stands for whatever ends an orchestrator in mid-work."""


async def take(producer: Producer, count: int) -> list[str]:
    """The task ids of the next `count` results."""
    taken: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for result in producer.results():
            taken.append(result.task_id)
            if len(taken) == count:
                break
    return taken


async def waiting_results(bus: Bus, scene: Scene) -> int:
    queue = scene.layout.results_queue("orchestrator")
    depth = (await bus.depths([queue]))[queue]
    assert depth is not None
    return depth.ready


async def test_results_that_come_while_it_is_down_wait_for_its_restart(scene: Scene) -> None:
    async with scene.producer() as producer:
        await producer.submit_many(task(f"t{n}") for n in range(3))
    async with scene.worker(concurrency=1):
        await scene.events.wait_for(TaskFinished, 3)
    async with scene.producer() as producer:
        assert await take(producer, 3) == ["t0", "t1", "t2"]


async def test_result_that_nobody_took_comes_again_and_a_taken_one_does_not(
    scene: Scene, bus: Bus
) -> None:
    async with scene.worker(concurrency=1):
        async with scene.producer() as producer:
            handles = await producer.submit_many([task("taken"), task("untaken")])
            await handles[0].wait(PATIENCE_SECONDS)
            await scene.events.wait_for(TaskFinished, 2)
        assert await waiting_results(bus, scene) == 1
        async with scene.producer() as producer:
            assert await take(producer, 1) == ["untaken"]
    assert await waiting_results(bus, scene) == 0


async def test_result_at_which_the_orchestrator_died_comes_again(scene: Scene, bus: Bus) -> None:
    async with scene.worker(concurrency=1):
        with contextlib.suppress(OrchestratorDiedError):
            async with scene.producer() as producer:
                await producer.submit_many([task("first"), task("second")])
                await scene.events.wait_for(TaskFinished, 2)
                assert await take(producer, 2) == ["first", "second"]
                raise OrchestratorDiedError
        async with scene.producer() as producer:
            assert await take(producer, 1) == ["second"]
    assert await waiting_results(bus, scene) == 0


async def test_waiting_ends_with_the_producer(scene: Scene) -> None:
    async with scene.producer() as producer:
        handle = await producer.submit(task())
        waiting = asyncio.create_task(handle.wait())
        reading = asyncio.ensure_future(anext(aiter(producer.results())))
        await asyncio.sleep(0)
    with pytest.raises(ClosedError):
        await waiting
    with pytest.raises(ClosedError):
        await reading


async def test_waiting_can_be_given_up_and_taken_up_again(scene: Scene) -> None:
    async with scene.producer() as producer:
        handle = await producer.submit(task())
        with pytest.raises(TimeoutError):
            await handle.wait(timeout=0.01)
        async with scene.worker():
            first = await handle.wait(PATIENCE_SECONDS)
            assert await handle.wait() is first
    assert handle.done()


async def test_two_messages_with_one_task_id_give_one_result(scene: Scene, bus: Bus) -> None:
    async with scene.producer() as producer:
        await producer.submit(task())
        await producer.submit(task())
        await producer.submit(task("last"))
        async with scene.worker(concurrency=1):
            assert await take(producer, 2) == ["t1", "last"]
    assert await waiting_results(bus, scene) == 0


async def test_task_that_is_asked_for_anew_is_answered_anew(scene: Scene) -> None:
    async with scene.producer() as producer, scene.worker():
        for _ in range(2):
            await (await producer.submit(task())).wait(PATIENCE_SECONDS)


async def test_two_orchestrators_get_their_own_results(scene: Scene) -> None:
    async with scene.producer("one") as one, scene.producer("two") as two, scene.worker():
        await one.submit(task("for-one"))
        await two.submit(task("for-two"))
        assert await take(one, 1) == ["for-one"]
        assert await take(two, 1) == ["for-two"]


async def test_unreadable_result_is_parked(scene: Scene, bus: Bus) -> None:
    async with scene.producer() as producer:
        garbage = Message(b"garbage", "agent.result.v1", correlation_id="t1", priority=4)
        await bus.publish(scene.layout.results, "orchestrator", garbage)
        async with scene.worker():
            await (await producer.submit(task())).wait(PATIENCE_SECONDS)
    depth = (await bus.depths([scene.layout.parking_queue]))[scene.layout.parking_queue]
    assert depth is not None
    assert depth.ready == 1
