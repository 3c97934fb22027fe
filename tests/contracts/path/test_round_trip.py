"""What an orchestrator asks for is run by a worker and answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus, FailureKind, TaskPriority
from llmbus.worker.events import TaskFailed, TaskFinished, TaskRetried, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.failures import failure_kind


async def ask(scene: Scene, **fields: Any) -> ExecutionResult:
    """One task through a producer and a worker."""
    async with scene.producer() as producer, scene.worker(worker_id="w1"):
        handle = await producer.submit(task(**fields))
        return await handle.wait(PATIENCE_SECONDS)


async def test_submitted_task_is_answered_once(scene: Scene) -> None:
    result = await ask(scene, script={"answer": "Hello."})
    assert result.status is ExecutionStatus.SUCCESS
    assert (result.task_id, result.agent, result.output) == ("t1", "gpt-4", "Hello.")
    assert (result.attempts, result.worker_id, result.failure) == (1, "w1", None)
    assert result.usage is not None
    assert result.usage.output_tokens > 0
    assert result.metadata["execution_mode"] == "llm_direct"
    assert result.duration_seconds is not None
    assert scene.providers.calls == {"t1": 1}


async def test_urgent_task_overtakes_those_that_wait(scene: Scene) -> None:
    scene.providers.gate.clear()
    async with scene.producer() as producer, scene.worker(concurrency=1):
        first = await producer.submit(task("running", priority=TaskPriority.LOW))
        await scene.events.wait_for(TaskStarted)
        rest = [
            await producer.submit(task(priority.value, priority=priority))
            for priority in reversed(TaskPriority)
        ]
        scene.providers.gate.set()
        await asyncio.gather(*(handle.wait(PATIENCE_SECONDS) for handle in (first, *rest)))
    assert scene.providers.order == ["running", "critical", "high", "medium", "low"]


async def test_many_tasks_are_answered_through_their_handles_in_order(scene: Scene) -> None:
    async with scene.producer() as producer, scene.worker(concurrency=8):
        handles = await producer.submit_many(task(f"t{n}") for n in range(100))
        results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert [result.task_id for result in results] == [f"t{n}" for n in range(100)]
    assert set(scene.providers.calls.values()) == {1}


async def test_retryable_failure_is_tried_again_after_a_wait(scene: Scene) -> None:
    result = await ask(scene, script={"failures": ["unavailable"], "answer": "At last."})
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "At last.")
    assert result.attempts == 2
    [retried] = scene.events.of(TaskRetried)
    assert retried.kind == FailureKind.UNAVAILABLE
    assert retried.delay_seconds in {rung.total_seconds() for rung in scene.layout.ladder.rungs(0)}


async def test_failure_that_paying_again_cannot_mend_is_final(scene: Scene) -> None:
    result = await ask(scene, script={"failures": ["refused"]})
    assert result.status is ExecutionStatus.FAILED
    assert failure_kind(result) is FailureKind.REFUSED
    assert result.error
    assert scene.providers.calls == {"t1": 1}
    assert scene.events.of(TaskFailed)


async def test_unknown_outcome_is_not_paid_for_again(scene: Scene) -> None:
    result = await ask(scene, script={"failures": ["outcome_unknown"]})
    assert failure_kind(result) is FailureKind.OUTCOME_UNKNOWN
    assert scene.providers.calls == {"t1": 1}


@pytest.mark.parametrize(("max_attempts", "calls"), [(None, 3), (1, 1), (2, 2)])
async def test_attempts_are_bounded(scene: Scene, max_attempts: int | None, calls: int) -> None:
    always = {"failures": ["rate_limited"] * 9}
    async with scene.producer() as producer, scene.worker(fallback_after_retries=False):
        handle = await producer.submit(task(script=always, max_attempts=max_attempts))
        result = await handle.wait(PATIENCE_SECONDS)
    assert failure_kind(result) is FailureKind.RATE_LIMITED
    assert result.attempts == calls
    assert scene.providers.calls == {"t1": calls}


async def test_call_that_takes_too_long_is_cut_and_not_repeated(scene: Scene) -> None:
    result = await ask(scene, script={"latency_seconds": 60}, timeout_seconds=0.05)
    assert failure_kind(result) is FailureKind.TIMEOUT
    assert scene.providers.calls == {"t1": 1}


async def test_two_workers_share_one_lane(scene: Scene) -> None:
    async with (
        scene.producer() as producer,
        scene.worker(worker_id="w1", concurrency=1),
        scene.worker(worker_id="w2", concurrency=1),
    ):
        scene.providers.gate.clear()
        handles = await producer.submit_many(task(f"t{n}") for n in range(2))
        await scene.events.wait_for(TaskStarted, 2)
        scene.providers.gate.set()
        results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert {result.worker_id for result in results} == {"w1", "w2"}


async def test_finished_is_told_after_the_result_is_confirmed(scene: Scene) -> None:
    await ask(scene)
    [finished] = await scene.events.wait_for(TaskFinished)
    assert (finished.task_id, finished.lane, finished.attempt) == ("t1", "openai-gpt", 1)
