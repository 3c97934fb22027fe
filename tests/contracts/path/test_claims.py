"""One run per task across workers: what another worker runs, or has answered, is not paid again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from llmbus.producer import Producer
from llmbus.shared import ExecutionStatus, FailureKind
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent, submission_of
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.parking import stay_of
from llmbus.shared.store.claims import AlreadyFinished, CancelNoted, Claimant, Claimed
from llmbus.shared.task_messages import task_message
from llmbus.worker.events import (
    ResultRepeated,
    TaskCancelled,
    TaskDeferred,
    TaskFinished,
    TaskStarted,
)
from tests.contracts.bus.transports import Transport
from tests.contracts.path.scene import LANE, PATIENCE_SECONDS, Scene, task
from tests.support.failures import failure_kind
from tests.support.waiting import Collected, eventually

AGENT = RequestedAgent(AgentType.OPENAI_GPT)
KEEP = timedelta(minutes=1)


async def dies_with(scene: Scene, who: Claimant) -> bool:
    """Whether this worker got the task, which it never ends."""
    answer = await scene.store.claim(who, timedelta(milliseconds=1), KEEP)
    return isinstance(answer, Claimed)


async def test_message_of_a_task_that_runs_in_another_worker_waits(scene: Scene, bus: Bus) -> None:
    asked = task()
    message = task_message(
        asked, encode_task(asked), agent=AGENT, reply_to="orchestrator", now=asked.created_at
    )
    async with (
        scene.store,
        scene.producer() as producer,
        scene.worker(concurrency=1, worker_id="one"),
    ):
        scene.providers.gate.clear()
        handle = producer.expect("t1")
        await bus.publish(scene.layout.tasks, LANE, message)
        await scene.events.wait_for(TaskStarted)
        async with scene.worker(concurrency=1, worker_id="two"):
            await bus.publish(scene.layout.tasks, LANE, message)
            [deferred] = await scene.events.wait_for(TaskDeferred)
            scene.providers.gate.set()
            result = await handle.wait(PATIENCE_SECONDS)
    assert deferred.holder == "one"
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
    assert scene.providers.calls == {"t1": 1}


async def test_lost_connections_cost_nothing_whoever_is_handed_the_tasks(
    scene: Scene, transport: Transport
) -> None:
    """The broker deals the running tasks out anew, to either worker."""
    async with scene.store, scene.producer() as producer, scene.worker(concurrency=8):
        scene.providers.gate.clear()
        handles = await producer.submit_many(task(f"t{n}") for n in range(8))
        await scene.events.wait_for(TaskStarted, 8)
        async with scene.worker(concurrency=8, worker_id="two"):
            for _ in range(3):
                await transport.drop_connections()
                await producer.submit(task("probe", agent="gemini-pro"))  # it is connected again
            scene.providers.gate.set()
            results = [await handle.wait(PATIENCE_SECONDS) for handle in handles]
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert {result.attempts for result in results} == {1}
    assert scene.providers.calls == {f"t{n}": 1 for n in range(8)}


async def test_task_that_was_answered_is_answered_again_by_any_worker(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer:
        async with scene.worker(worker_id="one"):
            first = await (await producer.submit(task())).wait(PATIENCE_SECONDS)
        async with scene.worker(worker_id="two"):
            again = await (await producer.submit(task())).wait(PATIENCE_SECONDS)
            await scene.events.wait_for(ResultRepeated)
    assert scene.providers.calls == {"t1": 1}
    assert again == first


async def test_task_that_is_forgotten_is_run_anew(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker():
        await (await producer.submit(task())).wait(PATIENCE_SECONDS)
        await (await producer.submit(task("cancelled"))).cancel()
        await producer.forget(["t1", "cancelled", "unknown"])
        for task_id in ("t1", "cancelled"):
            again = await (await producer.submit(task(task_id))).wait(PATIENCE_SECONDS)
            assert again.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls["t1"] == 2


async def test_task_that_failed_is_run_anew_when_it_is_submitted_anew(scene: Scene) -> None:
    script = {"failures": ["rejected"]}
    async with scene.store, scene.producer() as producer, scene.worker():
        first = await (await producer.submit(task(script=script))).wait(PATIENCE_SECONDS)
        again = await (await producer.submit(task())).wait(PATIENCE_SECONDS)
    assert failure_kind(first) is FailureKind.REJECTED
    assert again.status is ExecutionStatus.SUCCESS


async def test_task_that_killed_its_workers_is_given_up_and_parked(scene: Scene, bus: Bus) -> None:
    parking = Collected()
    await bus.consume(scene.layout.parking_queue, 10, parking)
    async with scene.store, scene.producer() as producer:
        handle = await producer.submit(task())
        for number in range(2):
            who = Claimant(
                task_id="t1",
                submission="another",
                attempt=1,
                holder=f"dead-{number}",
                run_id=f"run-{number}",
            )
            await eventually(partial(dies_with, scene, who), f"{who.holder} has the task")
        async with scene.worker(max_crashes=2, lanes=LANE):
            result = await handle.wait(PATIENCE_SECONDS)
            neighbour = await (await producer.submit(task("t2"))).wait(PATIENCE_SECONDS)
        [parked] = await parking.wait_for(1)
    assert failure_kind(result) is FailureKind.POISON
    assert result.attempts == 0
    assert stay_of(parked.message).failure == result.failure
    assert neighbour.status is ExecutionStatus.SUCCESS
    assert scene.providers.calls == {"t2": 1}


async def test_running_task_ends_when_it_is_cancelled(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker():
        scene.providers.gate.clear()
        handle = await producer.submit(task())
        await scene.events.wait_for(TaskStarted)
        assert isinstance(await handle.cancel("no longer needed"), CancelNoted)
        result = await handle.wait(PATIENCE_SECONDS)
        await scene.events.wait_for(TaskCancelled)
    assert result.status is ExecutionStatus.CANCELLED
    assert result.error == "cancelled: no longer needed"
    assert result.attempts == 1
    assert scene.providers.calls == {"t1": 1}


async def test_waiting_task_that_is_cancelled_is_never_run(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer:
        handle = await producer.submit(task())
        assert await handle.cancel("no longer needed") == CancelNoted(None)
        async with scene.worker():
            result = await handle.wait(PATIENCE_SECONDS)
            assert result.status is ExecutionStatus.CANCELLED
            assert result.attempts == 0
            assert not scene.providers.calls
            # Only that submission was cancelled.
            again = await (await producer.submit(task())).wait(PATIENCE_SECONDS)
    assert again.status is ExecutionStatus.SUCCESS


async def test_task_that_succeeded_cannot_be_cancelled(scene: Scene) -> None:
    async with scene.store, scene.producer() as producer, scene.worker():
        handle = await producer.submit(task())
        await handle.wait(PATIENCE_SECONDS)
        assert await handle.cancel() == AlreadyFinished(succeeded=True)


async def test_producer_that_knows_no_store_says_what_to_give_it(scene: Scene) -> None:
    async with Producer("alone", bus=scene.new_bus(), layout=scene.layout) as producer:
        handle = await producer.submit(task())
        with pytest.raises(ConfigurationError, match="store=store"):
            await handle.cancel()


async def test_second_message_of_a_submission_that_went_on_is_dropped(
    scene: Scene, bus: Bus
) -> None:
    """Two messages of one attempt can be about when a connection breaks: one retry follows."""
    script = {"failures": ["rate_limited"] * 9}
    failing = task(script=script, max_attempts=2)
    async with scene.producer() as producer:
        del producer
        message = task_message(
            failing,
            encode_task(failing),
            agent=AGENT,
            reply_to="orchestrator",
            now=failing.created_at,
        )
        assert submission_of(message)
        for _ in range(2):
            await bus.publish(scene.layout.tasks, LANE, message)
        async with (
            scene.store,
            scene.worker(worker_id="one", concurrency=1, fallback_after_retries=False),
            scene.worker(worker_id="two", concurrency=1, fallback_after_retries=False),
        ):
            await scene.events.wait_for(TaskStarted, 2)
            last = task("last")
            async with scene.producer("another") as another:
                await (await another.submit(last)).wait(PATIENCE_SECONDS)
            await scene.events.wait_for(TaskFinished)
    assert scene.providers.calls["t1"] == 2
