"""A worker process as Kubernetes and systemd see it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmbus.shared import ExecutionStatus
from tests.acceptance.deployment import LANE, Deployment, HeldOpenAi, results_of, task
from tests.acceptance.probes import Probes
from tests.services.ports import free_ports
from tests.support.programs import PATIENCE_SECONDS
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.waiting import eventually


@pytest.fixture
async def probes() -> AsyncIterator[Probes]:
    async with Probes() as probes:
        yield probes


async def test_after_sigterm_a_worker_lives_and_is_not_ready_until_it_ends_in_order(
    deployment: Deployment, openai: HeldOpenAi, probes: Probes
) -> None:
    environment = openai.environment | probes.environment
    worker = await deployment.worker("w1", "--concurrency", "1", "--grace", "30", **environment)
    openai.gate.clear()
    async with deployment.producer() as producer:
        running, queued = await producer.submit_many(map(task, ("running", "queued")))
        await openai.until_called(1)
        await probes.until_ready()
        worker.send(signal.SIGTERM)
        [draining] = await worker.until_logged("readiness_changed", ready=False)
        assert draining["reasons"] == ["draining"]
        assert await probes.readiness() == (503, ["draining"])
        assert await probes.liveness() == (200, [])
        openai.gate.set()
        assert await worker.exit_code() == 0
        result = await running.wait(PATIENCE_SECONDS)
        assert not queued.done()
    assert (result.status, result.attempts) == (ExecutionStatus.SUCCESS, 1)
    stages = [line["stage"] for line in worker.logged("drain_stage")]
    assert stages == ["intake_stopped", "grace_over", "settled"]
    assert not worker.logged("readiness_changed", ready=True)[1:]
    assert worker.spoken == []


async def test_a_worker_that_waits_for_its_broker_lives_and_is_starting(
    deployment: Deployment, probes: Probes
) -> None:
    nowhere = f"amqp://guest:guest@127.0.0.1:{free_ports(1)[0]}/"
    settings = probes.environment | {"LLMBUS_AMQP_URL": nowhere}
    settings["LLMBUS_CONNECT_TIMEOUT_SECONDS"] = "600"
    worker = await deployment.start_worker("--scripted", deployment.scripts(), **settings)

    async def answers() -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", probes.port)) == 0

    await eventually(answers, "the probes are answered", seconds=PATIENCE_SECONDS)
    assert await probes.readiness() == (503, ["starting"])
    assert await probes.liveness() == (200, [])
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0


async def test_a_port_that_is_taken_ends_the_worker_with_one_line(
    deployment: Deployment, probes: Probes
) -> None:
    with socket.create_server(("127.0.0.1", probes.port)):
        worker = await deployment.start_worker(
            "--scripted", deployment.scripts(), **probes.environment
        )
        assert await worker.exit_code() == 78
    [line] = worker.spoken
    assert "LLMBUS_HEALTH_PORT" in line


async def test_a_lane_whose_queue_was_deleted_is_declared_and_consumed_again(
    deployment: Deployment, probes: Probes, rabbit_api: RabbitApi, vhost: Vhost
) -> None:
    scripts = deployment.scripts(default={"answer": "Done."})
    worker = await deployment.worker("w1", "--scripted", scripts, **probes.environment)
    queue = deployment.settings.layout.lane_queue(LANE)
    await rabbit_api.call("DELETE", f"/api/queues/{vhost.name}/{queue}")
    await worker.until_logged("queue_missing", queue=queue)
    await probes.until_ready()
    async with deployment.producer() as producer:
        results = await results_of(await producer.submit_many([task("t1")]))
    assert [result.output for result in results] == ["Done."]
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0


async def test_systemd_hears_of_start_life_and_stop(deployment: Deployment, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.setblocking(False)
        heard: list[str] = []

        async def until_heard(word: str) -> None:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while word not in heard:
                    heard.append((await loop.sock_recv(systemd, 4_096)).decode())

        settings = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
        worker = await deployment.start_worker("--scripted", deployment.scripts(), **settings)
        await until_heard("READY=1")
        assert "STATUS=ready" in heard
        heard.clear()
        await until_heard("WATCHDOG=1")
        worker.send(signal.SIGTERM)
        await until_heard("STOPPING=1")
        assert await worker.exit_code() == 0
