"""`llmbus cancel`, against a real worker with a call under way."""

from __future__ import annotations

import json

from llmbus.shared import ExecutionStatus
from tests.acceptance.deployment import Deployment, HeldOpenAi, task
from tests.support.programs import PATIENCE_SECONDS


async def test_running_task_is_ended_and_a_waiting_one_never_run(
    deployment: Deployment, openai: HeldOpenAi
) -> None:
    await deployment.worker("w1", "--concurrency", "1", **openai.environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        running = await producer.submit(task("running"))
        await openai.until_called(1)
        waiting = await producer.submit(task("waiting"))
        told = await deployment.ended("cancel", "running", "waiting", "--reason", "too dear")
        assert told.out.splitlines() == [
            "running: is being ended in worker w1",
            "waiting: does not run now, and will not be run",
        ]
        results = [await handle.wait(PATIENCE_SECONDS) for handle in (running, waiting)]
        openai.gate.set()
    assert {result.status for result in results} == {ExecutionStatus.CANCELLED}
    assert {result.error for result in results} == {"cancelled: too dear"}
    assert [result.attempts for result in results] == [1, 0]
    assert openai.calls == {"running": 1}


async def test_finished_task_stays_finished(deployment: Deployment, openai: HeldOpenAi) -> None:
    await deployment.worker("w1", **openai.environment)
    async with deployment.producer() as producer:
        await (await producer.submit(task("t1"))).wait(PATIENCE_SECONDS)
    told = await deployment.ended("cancel", "t1", "--json")
    assert await told.exit_code() == 1
    assert json.loads(told.out) == {"task_id": "t1", "cancelled": False, "succeeded": True}
