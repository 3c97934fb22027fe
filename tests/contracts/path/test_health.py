"""What a worker's probes say, on every transport."""

from __future__ import annotations

from llmbus.shared import ExecutionStatus
from llmbus.worker.health import Problem
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task


async def test_a_worker_is_ready_from_its_start_to_its_drain(scene: Scene) -> None:
    async with scene.worker() as worker:
        assert worker.health.not_ready == ()
        [entry] = await scene.store.workers()
        assert not entry.draining
    assert worker.health.not_ready[0] is Problem.DRAINING
    assert worker.health.not_live == ()


async def test_a_worker_that_cannot_start_is_not_ready(scene: Scene) -> None:
    unopened = scene.worker()
    async with unopened as worker, scene.producer() as producer:
        assert worker is unopened
        handle = await producer.submit(task())
        result = await handle.wait(PATIENCE_SECONDS)
        assert worker.health.not_ready == ()
    assert result.status is ExecutionStatus.SUCCESS
