"""The broker dies by kill -9 and comes back: no paid call is lost, and none is paid twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from llmbus.shared import ExecutionResult, ExecutionStatus
from llmbus.shared.settings import BusSettings
from tests.acceptance.deployment import (
    Deployment,
    HeldOpenAi,
    environment_for,
    results_of,
    task,
)
from tests.acceptance.probes import Probes
from tests.services import PrivateBroker
from tests.support.broker_to_break import broker_to_break
from tests.support.programs import PATIENCE_SECONDS, Program, Programs


@pytest.fixture(scope="module")
def shared_broker() -> Iterator[PrivateBroker]:
    with broker_to_break() as broker:
        yield broker


@pytest.fixture
def broker(shared_broker: PrivateBroker) -> PrivateBroker:
    """It runs, whatever the test before did to it."""
    shared_broker.start()
    return shared_broker


@pytest.fixture
async def probes() -> AsyncIterator[Probes]:
    async with Probes() as probes:
        yield probes


@pytest.fixture
async def deployment(
    broker: PrivateBroker, redis_url: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """Of its own prefix; the vhost is the broker's only one. Publishing gives up soon, so that a
    result which cannot be published is told in the log while the broker is down."""
    prefix = f"test-{uuid4().hex}"
    settings = BusSettings(
        amqp_url=SecretStr(broker.amqp_url),
        prefix=prefix,
        publish_timeout_seconds=0.5,
        retry_delays_seconds=(0.05, 0.1),
    )
    async with Programs(environment_for(settings, redis_url, prefix)) as programs:
        yield Deployment(settings, programs, tmp_path)


async def assert_ends_well(worker: Program) -> None:
    """In order, and nothing but log lines on stderr: no traceback either."""
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert worker.spoken == []
    assert not [line for line in worker.log if "exception" in line or line["level"] == "error"]


def assert_each_succeeded_once(results: list[ExecutionResult], openai: HeldOpenAi) -> None:
    assert {result.status for result in results} == {ExecutionStatus.SUCCESS}
    assert {result.attempts for result in results} == {1}
    assert openai.calls == {result.task_id: 1 for result in results}


async def test_running_calls_outlive_the_broker(
    deployment: Deployment, openai: HeldOpenAi, broker: PrivateBroker
) -> None:
    worker = await deployment.worker("w1", "--concurrency", "4", **openai.environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handles = await producer.submit_many(task(f"t{n}") for n in range(8))
        await openai.until_called(4)
        await asyncio.to_thread(broker.kill9)
        await asyncio.to_thread(broker.start)
        await worker.until_logged("delivery_adopted", 4)
        openai.gate.set()
        results = await results_of(handles)
    assert_each_succeeded_once(results, openai)
    await assert_ends_well(worker)


async def test_results_that_meet_no_broker_are_published_when_it_is_back(
    deployment: Deployment, openai: HeldOpenAi, broker: PrivateBroker, probes: Probes
) -> None:
    environment = openai.environment | probes.environment
    worker = await deployment.worker("w1", "--concurrency", "4", **environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handles = await producer.submit_many(task(f"t{n}") for n in range(8))
        await openai.until_called(4)
        await asyncio.to_thread(broker.kill9)
        await probes.until_not_ready("disconnected")
        assert await probes.liveness() == (200, [])
        openai.gate.set()
        delayed = await worker.until_logged("result_delayed", 4)
        await asyncio.to_thread(broker.start)
        await probes.until_ready()
        results = await results_of(handles)
    assert all(line["reason"] for line in delayed)
    assert_each_succeeded_once(results, openai)
    await assert_ends_well(worker)


async def test_results_wait_for_the_end_of_a_memory_alarm_and_no_work_is_taken(
    deployment: Deployment, openai: HeldOpenAi, broker: PrivateBroker, probes: Probes
) -> None:
    environment = openai.environment | probes.environment
    worker = await deployment.worker("w1", "--concurrency", "2", **environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handles = await producer.submit_many(task(f"t{n}") for n in range(6))
        await openai.until_called(2)
        await asyncio.to_thread(broker.begin_alarm)
        openai.gate.set()
        await worker.until_logged("intake_paused")
        assert await probes.readiness() == (503, ["publishing_blocked"])
        assert await probes.liveness() == (200, [])
        delayed = await worker.until_logged("result_delayed", 2)
        assert len(worker.logged("task_started")) == 2
        assert not any(handle.done() for handle in handles)
        await asyncio.to_thread(broker.end_alarm)
        results = await results_of(handles)
        await probes.until_ready()
    assert len(delayed) == 2
    assert_each_succeeded_once(results, openai)
    assert len(worker.logged("intake_resumed")) == 1
    await assert_ends_well(worker)


async def test_worker_that_starts_before_the_broker_waits_for_it(
    deployment: Deployment, broker: PrivateBroker
) -> None:
    await asyncio.to_thread(broker.kill9)
    worker = await deployment.start_worker("--scripted", deployment.scripts())
    await asyncio.to_thread(broker.start)
    await worker.until_logged("worker_started")
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS
    await assert_ends_well(worker)


async def test_worker_stops_on_sigterm_while_the_broker_is_down(
    deployment: Deployment, openai: HeldOpenAi, broker: PrivateBroker
) -> None:
    worker = await deployment.worker("w1", "--grace", "1", **openai.environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        await openai.until_called(1)
        await asyncio.to_thread(broker.kill9)
        await assert_ends_well(worker)
        openai.gate.set()
        await asyncio.to_thread(broker.start)
        await deployment.worker("w2", **openai.environment)
        result = await handle.wait(PATIENCE_SECONDS)
    assert (result.worker_id, result.attempts) == ("w2", 1)


async def test_paid_answer_that_waits_for_the_broker_outlasts_sigterm(
    deployment: Deployment, openai: HeldOpenAi, broker: PrivateBroker
) -> None:
    worker = await deployment.worker("w1", "--grace", "30", **openai.environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        handle = await producer.submit(task("t1"))
        await openai.until_called(1)
        await asyncio.to_thread(broker.kill9)
        openai.gate.set()
        await worker.until_logged("result_delayed")
        worker.send(signal.SIGTERM)
        await worker.until_logged("worker_draining")
        await asyncio.to_thread(broker.start)
        assert await worker.exit_code() == 0
        result = await handle.wait(PATIENCE_SECONDS)
    assert_each_succeeded_once([result], openai)
    assert not worker.logged("task_interrupted")
    assert worker.spoken == []
