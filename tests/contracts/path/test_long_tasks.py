"""A task that runs for longer than a broker waits for an ack is run once all the same."""

from __future__ import annotations

import asyncio

from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.interface import Bus
from llmbus.worker.events import (
    DeliveryAdopted,
    TaskDeferred,
    TaskHandedOver,
    TaskInterrupted,
    TaskStarted,
)
from tests.contracts.path.scene import LANE, PATIENCE_SECONDS, Scene, task
from tests.contracts.path.test_connection_loss import until_nothing_is_left

SOON = 0.2


async def test_message_of_a_long_task_is_handed_over_again_and_again(
    scene: Scene, bus: Bus
) -> None:
    async with scene.producer() as producer:
        async with scene.worker(hand_over_seconds=SOON):
            scene.providers.gate.clear()
            handle = await producer.submit(task())
            await scene.events.wait_for(TaskHandedOver, 3)
            await scene.events.wait_for(DeliveryAdopted, 2)
            scene.providers.gate.set()
            result = await handle.wait(PATIENCE_SECONDS)
            # Whoever asks next is behind the copy that may still be about.
            await (await producer.submit(task("next"))).wait(PATIENCE_SECONDS)
            await asyncio.sleep(SOON)  # the copy waits for so long, and is acked unrun
        await until_nothing_is_left(scene, bus)
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
    assert scene.providers.calls == {"t1": 1, "next": 1}


async def test_copy_that_comes_to_another_worker_waits_again(scene: Scene) -> None:
    async with (
        scene.store,
        scene.producer() as producer,
        scene.worker(worker_id="one", concurrency=1, hand_over_seconds=SOON),
    ):
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        async with scene.worker(worker_id="two", concurrency=4, hand_over_seconds=SOON):
            await scene.events.wait_for(TaskDeferred)
            scene.providers.gate.set()
            result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}


async def test_task_whose_worker_drains_after_the_hand_over_is_run_again(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer:
        scene.providers.gate.clear()
        async with scene.worker(hand_over_seconds=SOON, grace_seconds=0):
            handle = await producer.submit(task())
            await scene.events.wait_for(TaskHandedOver)
        await scene.events.wait_for(TaskInterrupted)
        scene.providers.gate.set()
        async with scene.worker(lanes=LANE):
            result = await handle.wait(PATIENCE_SECONDS)
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
