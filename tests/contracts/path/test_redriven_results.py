"""A task that failed, was parked and is sent back is answered a second time, and only then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from llmbus.ops.parking.pace import Pace
from llmbus.ops.parking.redrive import Redrive
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking
from llmbus.producer import Producer
from llmbus.shared import ExecutionResult, ExecutionStatus
from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import ANSWERED_REDRIVE
from llmbus.shared.result_envelope import RESULT_TYPE
from llmbus.worker import Worker
from llmbus.worker.events import TaskFailed, TaskFinished
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.script_folder import BROKEN, GOOD, ScriptFolder

SCRIPT_ONLY = {"use_direct_llm": False}


@pytest.fixture
def folder(tmp_path: Path) -> ScriptFolder:
    folder = ScriptFolder(tmp_path)
    folder.write(BROKEN)
    return folder


@pytest.fixture
async def worker(scene: Scene, folder: ScriptFolder) -> AsyncIterator[Worker]:
    """Serves its lane and the fallback, for as long as the test."""
    async with scene.store, scene.worker(scripts=folder.settings()) as worker:
        yield worker


async def redrive(scene: Scene) -> None:
    """What `llmbus parking redrive` does with all that stands there."""
    async with scene.new_bus() as bus:
        parking = Parking(bus, scene.layout, SystemClock())
        work = Redrive(parking, ParkingFilter(), None, Pace(0))
        async with aclosing(work.carry_out()) as steps:
            assert [step.problem async for step in steps] == [""]


async def failed_once(producer: Producer) -> ExecutionResult:
    handle = await producer.submit(task(metadata=SCRIPT_ONLY))
    result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.FAILED
    return result


@pytest.mark.usefixtures("worker")
async def test_handle_made_after_the_redrive_gets_the_second_answer(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer:
        await failed_once(producer)
        folder.write(GOOD)
        await redrive(scene)
        result = await producer.expect("t1").wait(PATIENCE_SECONDS)
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "by the script")
    assert result.attempts == 1


@pytest.mark.usefixtures("worker")
async def test_results_give_every_answer_once_and_in_order(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer:
        await producer.submit(task(metadata=SCRIPT_ONLY))
        results = aiter(producer.results())
        statuses = [(await anext(results)).status]
        for code in (BROKEN, GOOD):
            folder.write(code)
            await redrive(scene)
            statuses.append((await anext(results)).status)
    assert statuses == ["failed", "failed", "success"]


@pytest.mark.usefixtures("worker")
async def test_second_answer_waits_until_the_first_is_taken(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer:
        handle = await producer.submit(task(metadata=SCRIPT_ONLY))
        await scene.events.wait_for(TaskFailed)
        folder.write(GOOD)
        await redrive(scene)
        await scene.events.wait_for(TaskFinished)
        await producer.catch_up()
        first = [await handle.wait(PATIENCE_SECONDS) for _ in range(2)]
        second = await producer.expect("t1").wait(PATIENCE_SECONDS)
    assert [result.status for result in first] == ["failed", "failed"]
    assert second.status is ExecutionStatus.SUCCESS


@pytest.mark.usefixtures("worker")
async def test_second_answer_that_nobody_took_comes_again_after_a_restart(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer:
        await producer.submit(task(metadata=SCRIPT_ONLY))
        await scene.events.wait_for(TaskFailed)
        folder.write(GOOD)
        await redrive(scene)
        await scene.events.wait_for(TaskFinished)
        await producer.catch_up()
    async with scene.producer() as producer:
        statuses = [result.status async for result in producer.unclaimed_results()]
    assert statuses == ["failed", "success"]
    async with scene.producer() as producer:
        assert [each async for each in producer.unclaimed_results()] == []


@pytest.mark.usefixtures("worker")
async def test_handle_that_had_the_first_answer_does_not_claim_the_second(
    scene: Scene, folder: ScriptFolder
) -> None:
    async with scene.producer() as producer:
        handle = await producer.submit(task(metadata=SCRIPT_ONLY))
        first = await handle.wait(PATIENCE_SECONDS)
        folder.write(GOOD)
        await redrive(scene)
        await scene.events.wait_for(TaskFinished)
        statuses = [result.status async for result in producer.unclaimed_results()]
        assert await handle.wait() is first
    assert statuses == ["success"]


@pytest.mark.usefixtures("worker")
async def test_second_copies_of_the_second_answer_are_dropped(
    scene: Scene, folder: ScriptFolder, bus: Bus
) -> None:
    async with scene.producer() as producer:
        await failed_once(producer)
        folder.write(GOOD)
        await redrive(scene)
        await producer.expect("t1").wait(PATIENCE_SECONDS)
        stored = await scene.store.outcome_of("t1")
        assert stored is not None
        copy = Message(stored.body, RESULT_TYPE, "t1", priority=4)
        for redrive_of_it in (0, 1, 2):  # the third tells again what had succeeded
            headers = {ANSWERED_REDRIVE: redrive_of_it}
            answer = replace(copy, headers=headers)
            await bus.publish(scene.layout.results, "orchestrator", answer)
        assert [each async for each in producer.unclaimed_results()] == []
