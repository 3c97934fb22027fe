"""Redis is away: work goes on, and the log says it once."""

from __future__ import annotations

import signal

import pytest

from llmbus.shared import ExecutionStatus
from tests.acceptance.deployment import Deployment, task
from tests.integration.rabbitmq.proxy import Proxy
from tests.support.programs import PATIENCE_SECONDS, Program

OFTEN = {"LLMBUS_ADVERTISE_SECONDS": "0.5"}


async def assert_works(deployment: Deployment, task_id: str) -> None:
    async with deployment.producer() as producer:
        handle = await producer.submit(task(task_id))
        result = await handle.wait(PATIENCE_SECONDS)
    assert result.status is ExecutionStatus.SUCCESS


async def assert_ends_well(worker: Program) -> None:
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert worker.spoken == []


async def test_worker_starts_without_redis_and_finds_it_later(
    deployment: Deployment, redis_url: str
) -> None:
    async with Proxy(redis_url) as redis:
        await redis.refuse()
        scripts = deployment.scripts()
        worker = await deployment.worker(
            "w1", "--scripted", scripts, LLMBUS_REDIS_URL=redis.url, **OFTEN
        )
        await assert_works(deployment, "without")
        [warning] = worker.logged("fleet_unreachable")
        await redis.listen()
        await worker.until_logged("fleet_reachable")
        await assert_works(deployment, "with")
        await assert_ends_well(worker)
    assert warning["level"] == "warning"
    assert "LLMBUS_REDIS_URL" in warning["reason"]


async def test_redis_that_goes_and_comes_back_is_told_once_each(
    deployment: Deployment, redis_url: str
) -> None:
    async with Proxy(redis_url) as redis:
        scripts = deployment.scripts()
        worker = await deployment.worker(
            "w1", "--scripted", scripts, LLMBUS_REDIS_URL=redis.url, **OFTEN
        )
        await redis.refuse()
        await worker.until_logged("fleet_unreachable")
        await assert_works(deployment, "without")
        await redis.listen()
        await worker.until_logged("fleet_reachable")
        await assert_ends_well(worker)
    assert [line["event"] for line in worker.log if line["event"].startswith("fleet_")] == [
        "fleet_unreachable",
        "fleet_reachable",
    ]


@pytest.mark.parametrize("redis_is_there", [True, False])
async def test_address_of_redis_is_logged_without_its_password(
    deployment: Deployment, redis_url: str, redis_is_there: bool
) -> None:
    """A Redis that refuses the password is no reason not to work."""
    async with Proxy(redis_url) as redis:
        url = redis.url.replace("redis://:", "redis://:not-", 1)
        if not redis_is_there:
            await redis.refuse()
        worker = await deployment.worker(
            "w1", "--scripted", deployment.scripts(), LLMBUS_REDIS_URL=url
        )
        await worker.until_logged("fleet_unreachable")
        await assert_works(deployment, "t1")
        await assert_ends_well(worker)
    assert "not-" not in worker.err
