"""A project over the bus whose orchestrator dies: nothing is paid for twice, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from llmbus.producer import BusExecutor, Producer, ProjectOrchestrator
from llmbus.shared import AgentTask, ExecutionResult
from llmbus.shared.bus.interface import Bus
from llmbus.shared.errors import InvalidInputError
from llmbus.worker.events import TaskFinished, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.contracts.path.test_orchestrator_restart import waiting_results


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@contextlib.asynccontextmanager
async def orchestrated(
    scene: Scene, state: Path, name: str = "orchestrator", **options: object
) -> AsyncGenerator[tuple[ProjectOrchestrator, Producer]]:
    async with scene.producer(name) as producer:
        with ProjectOrchestrator(
            BusExecutor(producer),
            state_file=state,
            max_concurrent=10,
            **options,  # type: ignore[arg-type]
        ) as project:
            yield project, producer


async def die(running: asyncio.Task[object], state: Path) -> Path:
    """End the run as a kill would: what is on the disk at this moment is all that is left."""
    left = state.with_name("left-by-the-dead.json")
    shutil.copy(state, left)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return left


TASKS = (("a",), ("b",), ("after", "a", "b"))


def tasks() -> list[AgentTask]:
    return [task(name, dependencies=list(needed)) for name, *needed in TASKS]


async def finished(project: ProjectOrchestrator) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        report = await project.run()
    assert report.is_completed, report


async def test_project_runs_in_the_order_of_its_dependencies(scene: Scene, state: Path) -> None:
    async with scene.worker(), orchestrated(scene, state) as (project, _):
        project.add_tasks(tasks())
        await finished(project)
    assert scene.providers.order[-1] == "after"
    assert scene.providers.calls == {"a": 1, "b": 1, "after": 1}


async def test_tasks_that_were_queued_when_it_died_are_run_once(scene: Scene, state: Path) -> None:
    async with orchestrated(scene, state) as (project, _):
        project.add_tasks(tasks())
        running = asyncio.create_task(project.run())
        await until_queued(scene, 2)
        left = await die(running, state)
    async with orchestrated(scene, left) as (project, _), scene.worker(concurrency=1):
        await finished(project)
    assert scene.providers.calls == {"a": 1, "b": 1, "after": 1}


async def test_tasks_that_ran_when_it_died_are_run_once(scene: Scene, state: Path) -> None:
    scene.providers.gate.clear()
    async with scene.worker():
        async with orchestrated(scene, state) as (project, _):
            project.add_tasks(tasks())
            running = asyncio.create_task(project.run())
            await scene.events.wait_for(TaskStarted, 2)
            left = await die(running, state)
        async with orchestrated(scene, left) as (project, _):
            going_on = asyncio.create_task(finished(project))
            await asyncio.sleep(0.1)  # it submits again what has no answer yet
            scene.providers.gate.set()
            await going_on
    assert scene.providers.calls == {"a": 1, "b": 1, "after": 1}


async def test_tasks_answered_while_it_was_dead_are_not_submitted_again(
    scene: Scene, state: Path, bus: Bus
) -> None:
    scene.providers.gate.clear()
    async with scene.worker():
        async with orchestrated(scene, state) as (project, _):
            project.add_tasks(tasks())
            running = asyncio.create_task(project.run())
            await scene.events.wait_for(TaskStarted, 2)
            left = await die(running, state)
        scene.providers.gate.set()
        await scene.events.wait_for(TaskFinished, 2)
    # Another worker, which knows nothing of what the first one did.
    async with orchestrated(scene, left) as (project, _), scene.worker():
        await finished(project)
    assert scene.providers.calls == {"a": 1, "b": 1, "after": 1}
    assert await waiting_results(bus, scene) == 0


async def test_result_that_came_but_was_not_recorded_comes_again(scene: Scene, state: Path) -> None:
    class DiskIsFullError(Exception):
        pass

    def refuse(result: ExecutionResult) -> None:
        raise DiskIsFullError

    async with scene.worker(), orchestrated(scene, state, on_result=refuse) as (project, _):
        project.add_tasks(tasks())
        with pytest.raises(DiskIsFullError):
            await project.run()
    kept: list[ExecutionResult] = []
    async with (
        scene.worker(),
        orchestrated(scene, state, on_result=kept.append) as (project, _),
    ):
        await finished(project)
    assert sorted(result.task_id for result in kept) == ["a", "after", "b"]
    assert scene.providers.calls == {"a": 1, "b": 1, "after": 1}


async def test_hybrid_task_that_was_answered_in_part_is_not_paid_again(
    scene: Scene, state: Path
) -> None:
    wish = {"strategy": "all", "agents": ["gpt-4", "gemini-pro"]}
    hybrid = task("h", metadata={"hybrid": wish})
    async with orchestrated(scene, state) as (project, _):
        project.add_task(hybrid)
        running = asyncio.create_task(project.run())
        async with scene.worker(lanes="openai-gpt"):
            await scene.events.wait_for(TaskFinished, 1)
        left = await die(running, state)
    async with (
        orchestrated(scene, left) as (project, _),
        scene.worker(lanes="openai-gpt,google-gemini"),
    ):
        await finished(project)
    assert scene.providers.calls == {"h.gpt-4": 1, "h.gemini-pro": 1}


async def test_other_orchestrator_may_not_go_on_with_what_was_submitted(
    scene: Scene, state: Path
) -> None:
    async with orchestrated(scene, state) as (project, _):
        project.add_tasks(tasks())
        running = asyncio.create_task(project.run())
        await until_queued(scene, 2)
        left = await die(running, state)
    with pytest.raises(InvalidInputError, match="submitted by the orchestrator 'orchestrator'"):
        async with orchestrated(scene, left, "somebody-else"):
            pass
    async with orchestrated(scene, left) as (project, _), scene.worker():
        await finished(project)


async def test_results_that_nobody_waits_for_are_told_apart(scene: Scene) -> None:
    async with scene.worker(concurrency=1):
        async with scene.producer() as producer:
            await producer.submit_many([task("late"), task("later")])
            await scene.events.wait_for(TaskFinished, 2)
        async with scene.producer() as producer:
            handle = await producer.submit(task("mine"))
            await scene.events.wait_for(TaskFinished, 3)
            late = [result.task_id async for result in producer.unclaimed_results()]
            assert late == ["late", "later"]
            assert (await handle.wait(PATIENCE_SECONDS)).task_id == "mine"
            assert [each async for each in producer.unclaimed_results()] == []


async def until_queued(scene: Scene, count: int) -> None:
    """Return when that many tasks wait in the lane."""
    queue = scene.layout.lane_queue("openai-gpt")
    async with scene.new_bus() as bus, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            depth = (await bus.depths([queue]))[queue]
            if depth is not None and depth.ready >= count:
                return
            await asyncio.sleep(0.01)
