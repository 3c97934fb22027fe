"""A connection that breaks costs nothing: the paid call goes on, its redelivery is adopted."""

from __future__ import annotations

from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.interface import Bus
from llmbus.worker.events import DeliveryAdopted, TaskFinished, TaskStarted
from tests.contracts.bus.transports import Transport
from tests.contracts.path.scene import LANE, PATIENCE_SECONDS, Scene, task
from tests.support.waiting import eventually


async def until_nothing_is_left(scene: Scene, bus: Bus) -> None:
    """The lane is empty with no consumer holding anything back."""
    queue = scene.layout.lane_queue(LANE)

    async def is_empty_and_left() -> bool:
        depth = (await bus.depths([queue]))[queue]
        return depth is not None and (depth.ready, depth.consumers) == (0, 0)

    await eventually(is_empty_and_left, f"{queue} is empty and has no consumer")


async def test_running_calls_outlive_the_connection_and_are_paid_once(
    scene: Scene, bus: Bus, transport: Transport
) -> None:
    async with scene.producer() as producer:
        async with scene.worker(concurrency=5):
            scene.providers.gate.clear()
            handles = await producer.submit_many(task(f"t{n}") for n in range(5))
            await scene.events.wait_for(TaskStarted, 5)
            await transport.drop_connections()
            await scene.events.wait_for(DeliveryAdopted, 5)
            scene.providers.gate.set()
            results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
            await scene.events.wait_for(TaskFinished, 5)
        await until_nothing_is_left(scene, bus)
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert {result.attempts for result in results} == {1}
    assert set(scene.providers.calls.values()) == {1}


async def test_call_that_ends_while_the_connection_is_away_is_not_repeated(
    scene: Scene, bus: Bus, transport: Transport
) -> None:
    async with scene.producer() as producer, scene.worker(concurrency=1):
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        await transport.drop_connections()
        scene.providers.gate.set()
        result = await handle.wait(PATIENCE_SECONDS)
        after = await (await producer.submit(task("after"))).wait(PATIENCE_SECONDS)
    assert result.status is after.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1, "after": 1}
    await until_nothing_is_left(scene, bus)


async def test_queued_tasks_wait_for_a_slot_after_the_connection_is_back(
    scene: Scene, transport: Transport
) -> None:
    """After a reconnect the broker fills the window anew, whatever still runs here."""
    async with scene.producer() as producer, scene.worker(concurrency=2):
        scene.providers.gate.clear()
        handles = await producer.submit_many(task(f"t{n}") for n in range(8))
        await scene.events.wait_for(TaskStarted, 2)
        await transport.drop_connections()
        await scene.events.wait_for(DeliveryAdopted, 2)
        assert len(scene.events.of(TaskStarted)) == 2
        scene.providers.gate.set()
        for handle in handles:
            await handle.wait(PATIENCE_SECONDS)
    assert set(scene.providers.calls.values()) == {1}


async def test_results_on_their_way_arrive_once(scene: Scene, transport: Transport) -> None:
    async with scene.producer() as producer, scene.worker(concurrency=4):
        handles = await producer.submit_many(task(f"t{n}") for n in range(20))
        await handles[0].wait(PATIENCE_SECONDS)
        await transport.drop_connections()
        results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert [result.task_id for result in results] == [f"t{n}" for n in range(20)]
    assert set(scene.providers.calls.values()) == {1}
