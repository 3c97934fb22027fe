"""A worker process that is told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import pytest

from llmbus.shared import ExecutionStatus
from tests.acceptance.deployment import Deployment, results_of, task
from tests.acceptance.silent_listener import SilentListener
from tests.support.programs import Program

HOURS = 3_600
STOPS = [signal.SIGTERM, signal.SIGINT]


def stages(program: Program) -> list[str]:
    return [line["event"] for line in program.log if line["event"].startswith("worker_")]


async def test_scripted_worker_answers_and_stops_in_order(deployment: Deployment) -> None:
    scripts = deployment.scripts(default={"answer": "Done."})
    worker = await deployment.worker("w1", "--concurrency", "2", "--scripted", scripts)
    async with deployment.producer() as producer:
        results = await results_of(await producer.submit_many(task(f"t{n}") for n in range(5)))
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert {result.output for result in results} == {"Done."}
    assert {result.worker_id for result in results} == {"w1"}
    assert stages(worker) == ["worker_started", "worker_draining", "worker_stopped"]
    assert (worker.out, worker.spoken) == ("", [])


async def test_sigterm_in_mid_task_finishes_what_it_can_and_returns_the_rest(
    deployment: Deployment,
) -> None:
    scripts = deployment.scripts(short={"latency_seconds": 0.5}, long={"latency_seconds": HOURS})
    first = await deployment.worker(
        "w1", "--concurrency", "2", "--grace", "2", "--scripted", scripts
    )
    async with deployment.producer() as producer:
        handles = await producer.submit_many(map(task, ("short", "long", "queued")))
        await first.until_logged("task_started", 2)
        first.send(signal.SIGTERM)
        assert await first.exit_code() == 0
        assert not first.logged("task_started", task_id="queued")
        assert first.logged("task_interrupted", task_id="long")
        await deployment.worker("w2", "--scripted", deployment.scripts(default={}))
        results = await results_of(handles)
    assert [result.worker_id for result in results] == ["w1", "w2", "w2"]
    assert {result.attempts for result in results} == {1}
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert stages(first) == ["worker_started", "worker_draining", "worker_stopped"]


@pytest.mark.parametrize("stop", STOPS, ids=lambda number: number.name)
async def test_second_signal_ends_the_grace_time(
    deployment: Deployment, stop: signal.Signals
) -> None:
    scripts = deployment.scripts(default={"latency_seconds": HOURS})
    worker = await deployment.worker("w1", "--grace", str(HOURS), "--scripted", scripts)
    async with deployment.producer() as producer:
        await producer.submit_many(map(task, ("a", "b")))
        await worker.until_logged("task_started", 2)
        worker.send(stop)
        [draining] = await worker.until_logged("worker_draining")
        assert (draining["running"], draining["grace_seconds"]) == (2, HOURS)
        worker.send(stop)
        assert await worker.exit_code() == 0
    assert len(worker.logged("task_interrupted")) == 2
    assert worker.spoken == []


async def test_impatient_signals_do_not_disturb_the_drain(deployment: Deployment) -> None:
    scripts = deployment.scripts(default={"latency_seconds": HOURS})
    worker = await deployment.worker("w1", "--concurrency", "50", "--scripted", scripts)
    async with deployment.producer() as producer:
        await producer.submit_many(task(f"t{n}") for n in range(50))
        await worker.until_logged("task_started", 50)
        worker.send(signal.SIGTERM)
        await worker.until_logged("worker_draining")
        with suppress(ProcessLookupError):
            while True:  # until it has ended
                worker.send(signal.SIGTERM)
                await asyncio.sleep(0.003)  # signals that are still pending merge into one
        assert await worker.exit_code() == 0
    assert len(worker.logged("task_interrupted")) == 50
    assert worker.spoken == []


@pytest.mark.parametrize("stop", STOPS, ids=lambda number: number.name)
async def test_signal_while_the_worker_connects_ends_it(
    deployment: Deployment, stop: signal.Signals
) -> None:
    async with SilentListener() as broker:
        worker = await deployment.start_worker(
            "--scripted",
            deployment.scripts(),
            LLMBUS_AMQP_URL=f"amqp://guest:guest@127.0.0.1:{broker.port}/",
            LLMBUS_CONNECT_TIMEOUT_SECONDS="60",
        )
        await broker.until_asked()
        worker.send(stop)
        assert await worker.exit_code(seconds=5) == 0
    assert worker.spoken == []
