"""A task that is submitted again before it has ended: each submission comes to an end of its own,
and no success is paid for twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from llmbus.shared import ExecutionStatus
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import StoreUnreachableError
from llmbus.shared.store.claims import ClaimAnswer, Claimant
from llmbus.shared.store.memory import MemoryStore
from llmbus.worker.events import ResultRepeated, TaskCancelled, TaskDeferred, TaskStarted
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.contracts.path.test_orchestrator_restart import waiting_results


async def test_task_is_cancelled_while_it_runs_and_asked_for_anew(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        first = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        await first.cancel("changed my mind")
        second = await producer.submit(task())
        cancelled = await first.wait(PATIENCE_SECONDS)
        scene.providers.gate.set()
        answered = await second.wait(PATIENCE_SECONDS)
    assert cancelled.status is ExecutionStatus.CANCELLED
    assert answered.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 2}


async def test_task_is_cancelled_while_it_waits_and_asked_for_anew(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer:
        first = await producer.submit(task())
        await first.cancel("changed my mind")
        second = await producer.submit(task())
        async with scene.worker(concurrency=1):
            cancelled = await first.wait(PATIENCE_SECONDS)
            answered = await second.wait(PATIENCE_SECONDS)
    assert cancelled.status is ExecutionStatus.CANCELLED
    assert answered.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}


async def test_answer_to_a_cancelled_submission_is_none_to_the_next(scene: Scene, bus: Bus) -> None:
    """Nobody holds the first handle any more."""
    async with scene.store, scene.producer() as producer:
        await (await producer.submit(task())).cancel("changed my mind")
        second = await producer.submit(task())
        async with scene.worker(concurrency=1):
            answered = await second.wait(PATIENCE_SECONDS)
    assert answered.status is ExecutionStatus.SUCCESS
    assert await waiting_results(bus, scene) == 0


async def test_cancelling_ends_all_that_the_handle_waits_for(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker(concurrency=1):
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        assert await producer.submit(task()) is handle
        await handle.cancel("not wanted at all")
        await scene.events.wait_for(TaskCancelled, 2)
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.CANCELLED
    assert scene.providers.calls == {"t1": 1}


async def test_success_answers_both_orchestrators_and_is_paid_once(scene: Scene) -> None:
    async with (
        scene.store,
        scene.producer("one") as one,
        scene.producer("two") as two,
        scene.worker(),
    ):
        scene.providers.gate.clear()
        first = await one.submit(task())
        await scene.events.wait_for(TaskStarted)
        second = await two.submit(task())
        await scene.events.wait_for(TaskDeferred)
        scene.providers.gate.set()
        results = [await each.wait(PATIENCE_SECONDS) for each in (first, second)]
    assert {each.status for each in results} == {ExecutionStatus.SUCCESS}
    assert scene.providers.calls == {"t1": 1}


async def test_failure_answers_only_the_submission_that_failed(scene: Scene) -> None:
    """Asking anew is a wish to try anew."""
    async with scene.store, scene.producer() as producer:
        await producer.submit(task(script={"failures": ["bad_request"]}))
        handle = await producer.submit(task())
        async with scene.worker(concurrency=1):
            result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS


class ClaimsAway(MemoryStore):
    """Nobody can be asked for a claim."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.asked = asyncio.Semaphore(0)

    async def claim(
        self, who: Claimant, lifetime: timedelta, ledger_life: timedelta
    ) -> ClaimAnswer:
        self.asked.release()
        raise StoreUnreachableError("nobody answers at LLMBUS_REDIS_URL")


async def test_without_claims_a_success_is_paid_once_in_a_worker_all_the_same(
    scene: Scene,
) -> None:
    scene.store = store = ClaimsAway()
    async with scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        await producer.submit(task())
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(2):
                await store.asked.acquire()
        scene.providers.gate.set()
        await scene.events.wait_for(ResultRepeated)
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t1": 1}
