"""What becomes of claims, and of waiting tasks, while their worker is busy with something else."""

from __future__ import annotations

import asyncio

from llmbus.shared import ExecutionStatus, FailureKind
from llmbus.shared.store.claims import Claimant, Held
from llmbus.worker.events import ResultDelayed, TaskDeferred, TaskHandedOver
from tests.contracts.path.scene import task
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.worker.test_between_two_steps import (
    CALL_SECONDS,
    CLAIM_SECONDS,
    PATIENCE_SECONDS,
    SHORT_SECONDS,
    Stage,
)

ONLOOKER = Claimant(
    task_id="t1", submission="onlooker", attempt=1, holder="three", run_id="onlooker"
)


def test_a_claim_that_lapsed_before_its_answer_came_is_no_death() -> None:
    """The worker was frozen while it asked, and another one has the task by now."""

    async def main() -> None:
        stage = Stage()
        stage.store.answer_seconds = CLAIM_SECONDS + SHORT_SECONDS
        one = stage.worker("one", max_crashes=2)
        async with stage.store, stage.producer() as producer, one:
            asked = task()
            handle = await producer.submit(asked)
            await stage.store.gave.wait()
            stage.store.answer_seconds = 0.0
            await asyncio.sleep(CLAIM_SECONDS)
            stage.store.give_to_another(asked)
            await stage.events.wait_for(TaskDeferred)
            result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS

    run_in_virtual_time(main())


def test_a_task_that_is_given_up_stays_claimed_until_it_is_parked() -> None:
    """Another run would park it once more, and its start would count as one more death."""

    async def main() -> None:
        stage = Stage()
        async with stage.store, stage.producer() as producer:
            asked = task()
            stage.store.give_to_another(asked)
            await asyncio.sleep(CLAIM_SECONDS)
            handle = await producer.submit(asked)
            stage.broker.alarm.begin()
            async with stage.worker("one", max_crashes=1):
                await stage.events.wait_for(ResultDelayed)
                await asyncio.sleep(CLAIM_SECONDS)
                assert isinstance(await stage.asked(ONLOOKER), Held)
                stage.broker.alarm.end()
                result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.FAILED
        assert result.failure is not None
        assert result.failure.kind is FailureKind.POISON

    run_in_virtual_time(main())


def test_a_task_that_waits_behind_a_long_one_is_left_to_others() -> None:
    """Once the long one's message is handed over, its worker takes one more than it can run."""

    async def main() -> None:
        stage = Stage()
        long = task(script={"latency_seconds": 100 * CALL_SECONDS})
        one = stage.worker("one", concurrency=1, hand_over_seconds=10 * SHORT_SECONDS)
        async with stage.store, stage.producer() as producer, one:
            slow = asyncio.ensure_future((await producer.submit(long)).wait(PATIENCE_SECONDS))
            await stage.events.wait_for(TaskHandedOver)
            handle = await producer.submit(task("t2"))
            await asyncio.sleep(SHORT_SECONDS)
            async with stage.worker("two"):
                result = await handle.wait(PATIENCE_SECONDS)
                assert result.worker_id == "two"
                assert not slow.done()
                await slow
        assert stage.providers.calls == {"t1": 1, "t2": 1}

    run_in_virtual_time(main())


def test_a_copy_that_is_back_before_its_original_is_acked_is_not_acked_with_it() -> None:
    """Nothing would be left of the task."""

    async def main() -> None:
        stage = Stage()
        async with stage.store, stage.producer() as producer:
            asked = task()
            stage.store.give_to_another(asked)
            await asyncio.sleep(CLAIM_SECONDS - SHORT_SECONDS / 2)
            handle = await producer.submit(asked)
            async with stage.worker("one"):
                result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS
        (deferred,) = stage.events.of(TaskDeferred)
        assert deferred.delay_seconds < SHORT_SECONDS  # which is how long the ack takes

    run_in_virtual_time(main())


def test_a_claim_is_given_back_however_often_the_worker_is_told_to_hurry() -> None:
    async def main() -> None:
        stage = Stage()
        stage.store.answer_seconds = SHORT_SECONDS
        async with stage.store, stage.producer() as producer:
            handle = await producer.submit(task())
            async with stage.worker("one") as one:
                await stage.store.gave.wait()
                loop = asyncio.get_running_loop()
                for part in (0.2, 0.4, 0.6):
                    loop.call_later(part * SHORT_SECONDS, one.hurry)
            assert not stage.providers.calls
            async with stage.worker("two", max_crashes=1):
                result = await handle.wait(PATIENCE_SECONDS)
        assert result.status is ExecutionStatus.SUCCESS

    run_in_virtual_time(main())
