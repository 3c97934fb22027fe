"""Two worker processes share one queue, and one of them is killed."""

from __future__ import annotations

import json
import signal

from llmbus.shared import ExecutionStatus
from tests.acceptance.deployment import Deployment, HeldOpenAi, results_of, task
from tests.support.programs import Program
from tests.support.waiting import eventually

GONE_WITHIN_SECONDS = 15.0


async def listed(deployment: Deployment) -> set[str]:
    listing = await deployment.ended("workers", "--json")
    return {worker["worker_id"] for worker in json.loads(listing.out)["workers"]}


def started_by(worker: Program) -> set[str]:
    return {line["task_id"] for line in worker.logged("task_started")}


async def test_two_workers_share_one_queue(deployment: Deployment, openai: HeldOpenAi) -> None:
    workers = await deployment.workers(("w1", "w2"), "--concurrency", "2", **openai.environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handles = await producer.submit_many(task(f"t{n}") for n in range(12))
        for worker in workers:
            await worker.until_logged("task_started", 2)
        openai.gate.set()
        results = await results_of(handles)
    assert {result.worker_id for result in results} == {"w1", "w2"}
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert openai.calls == {f"t{n}": 1 for n in range(12)}


async def test_sigkill_in_mid_task_loses_nothing(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    killed, other = await deployment.workers(
        ("killed", "other"), "--concurrency", "2", **openai.environment
    )
    openai.gate.clear()
    async with deployment.producer() as producer:
        handles = await producer.submit_many(task(f"t{n}") for n in range(8))
        await openai.until_called(4)
        killed.send(signal.SIGKILL)
        assert await killed.exit_code() == -signal.SIGKILL
        openai.gate.set()
        results = await results_of(handles)
    lost = started_by(killed)
    assert {result.worker_id for result in results} == {"other"}
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert openai.calls == {f"t{n}": 2 if f"t{n}" in lost else 1 for n in range(8)}
    assert started_by(other) == {f"t{n}" for n in range(8)}


async def test_killed_worker_leaves_the_list_within_15_seconds(deployment: Deployment) -> None:
    scripts = deployment.scripts()
    names = ("killed", "stopped", "other")
    killed, stopped, _ = await deployment.workers(names, "--scripted", scripts)
    assert await listed(deployment) == {"killed", "stopped", "other"}
    stopped.send(signal.SIGTERM)
    assert await stopped.exit_code() == 0
    killed.send(signal.SIGKILL)
    await killed.exit_code()
    assert await listed(deployment) == {"killed", "other"}

    async def only_the_other_is_left() -> bool:
        return await listed(deployment) == {"other"}

    await eventually(only_the_other_is_left, "the list forgets it", seconds=GONE_WITHIN_SECONDS)
