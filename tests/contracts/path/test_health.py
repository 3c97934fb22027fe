"""What a worker's probes say, on every transport."""

from __future__ import annotations

from llmbus.worker.health import Problem
from tests.contracts.path.scene import Scene


async def test_a_worker_is_ready_from_its_start_to_its_drain(scene: Scene) -> None:
    async with scene.worker() as worker:
        assert list(worker.health.not_ready) == []
        [entry] = await scene.store.workers()
        assert not entry.draining
    assert Problem.DRAINING in worker.health.not_ready
    assert list(worker.health.not_live) == []
