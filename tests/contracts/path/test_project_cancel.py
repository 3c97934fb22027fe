"""A task of a project that is cancelled while it is with a worker."""

from __future__ import annotations

import asyncio

from llmbus.producer import BusExecutor, ProjectOrchestrator
from llmbus.shared.task import TaskStatus
from llmbus.worker.events import TaskCancelled, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task


async def test_task_that_runs_in_a_worker_is_ended_there_and_can_be_run_anew(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker():
        with ProjectOrchestrator(BusExecutor(producer)) as project:
            project.add_tasks([task("unwanted"), task("wanted")])
            scene.providers.gate.clear()
            running = asyncio.create_task(project.run())
            await scene.events.wait_for(TaskStarted, 2)
            project.cancel_task("unwanted", "too dear")
            [ended] = await scene.events.wait_for(TaskCancelled)
            scene.providers.gate.set()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await running
                statuses = {each.task_id: each.status for each in project.tasks}
                project.reopen_task("unwanted")
                report = await project.run()
    assert ended.task_id == "unwanted"
    assert statuses == {"unwanted": TaskStatus.CANCELLED, "wanted": TaskStatus.COMPLETED}
    assert report.is_completed
    assert scene.providers.calls == {"unwanted": 2, "wanted": 1}


async def test_task_is_cancelled_and_run_anew_before_its_worker_has_heard_of_it(
    scene: Scene,
) -> None:
    """The answer to what was cancelled is not taken for that to what is wanted now."""
    async with scene.store, scene.producer() as producer:
        with ProjectOrchestrator(BusExecutor(producer)) as project:
            project.add_task(task())
            running = asyncio.create_task(project.run())
            async with scene.worker(concurrency=1):
                scene.providers.gate.clear()
                await scene.events.wait_for(TaskStarted)
                project.cancel_task("t1")
                await running
                project.reopen_task("t1")
                scene.providers.gate.set()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    report = await project.run()
    assert report.is_completed
