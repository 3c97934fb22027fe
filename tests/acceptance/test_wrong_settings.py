"""A worker that cannot start says in one line what to change, and has an exit code for it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest

from tests.acceptance.deployment import Deployment
from tests.support.programs import Program

PASSWORD = "s3cret-word"


def assert_one_line(worker: Program, code: int, ended_with: int, *named: str) -> None:
    assert ended_with == code, repr(worker)
    [line] = worker.spoken
    for text in named:
        assert text in line
    assert "Traceback" not in worker.err
    assert PASSWORD not in worker.err + worker.out


def changed_url(deployment: Deployment, *, password: str | None = None, more: str = "") -> str:
    parts = urlsplit(deployment.settings.amqp_url.get_secret_value())
    login = f"{parts.username}:{password or parts.password}"
    address = f"{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=f"{login}@{address}", path=parts.path + more))


async def test_wrong_password_exits_77(deployment: Deployment) -> None:
    url = changed_url(deployment, password=PASSWORD)
    worker = await deployment.start_worker(LLMBUS_AMQP_URL=url)
    assert_one_line(worker, 77, await worker.exit_code(), "LLMBUS_AMQP_URL")


async def test_wrong_vhost_exits_79(deployment: Deployment) -> None:
    url = changed_url(deployment, more="-of-nobody")
    worker = await deployment.start_worker(LLMBUS_AMQP_URL=url)
    assert_one_line(worker, 79, await worker.exit_code(), "LLMBUS_AMQP_URL", "-of-nobody")
    password = urlsplit(url).password
    assert password is not None
    assert password not in worker.err


async def test_nobody_at_the_address_exits_69_after_the_connect_timeout(
    deployment: Deployment, unused_tcp_port: int
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    worker = await deployment.start_worker(
        LLMBUS_AMQP_URL=f"amqp://user:{PASSWORD}@{address}/", LLMBUS_CONNECT_TIMEOUT_SECONDS="1"
    )
    code = await worker.exit_code()
    assert_one_line(worker, 69, code, "LLMBUS_AMQP_URL", address, "tried for 1 s")


async def test_lane_queue_without_priorities_exits_76(deployment: Deployment) -> None:
    """A short prefix: the broker cuts what it says at 255 bytes."""
    url = deployment.settings.amqp_url.get_secret_value()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(
            "p.tasks.openai-gpt", durable=True, arguments={"x-dead-letter-exchange": "p.dead"}
        )
    worker = await deployment.start_worker(LLMBUS_PREFIX="p")
    code = await worker.exit_code()
    assert_one_line(worker, 76, code, "p.tasks.openai-gpt", "x-max-priority", "LLMBUS_PREFIX")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("LLMBUS_CONCURRENCY", "0"),
        ("LLMBUS_LANES", "a=0"),
        ("LLMBUS_LANES", "a b"),
        ("LLMBUS_AMQP_URL", f"http://user:{PASSWORD}@x"),
        ("LLMBUS_AMQP_URL", f"amqp://user:{PASSWORD}@x:port/"),
        ("LLMBUS_REDIS_URL", f"http://:{PASSWORD}@x"),
        ("LLMBUS_QUEUE_TYPE", "foo"),
        ("LLMBUS_RETRY_DELAYS_SECONDS", "5,1"),
    ],
)
async def test_bad_setting_exits_78_and_is_named(
    deployment: Deployment, setting: str, value: str
) -> None:
    worker = await deployment.programs.llmbus("worker", **{"LLMBUS_LANES": "a", setting: value})
    assert_one_line(worker, 78, await worker.exit_code(), setting)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "No such file"),
        ('{"t1": {"latency": 1}}', "t1"),
        ('{"t1": {"failures": ["no_such_kind"]}}', "t1"),
    ],
)
async def test_bad_scripts_file_exits_78_and_is_named(
    deployment: Deployment, content: str | None, named: str
) -> None:
    file = deployment.folder / "scripts.json"
    if content is not None:
        file.write_text(content)
    worker = await deployment.start_worker("--scripted", file)
    assert_one_line(worker, 78, await worker.exit_code(), str(file), named)
