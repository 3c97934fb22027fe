"""What goes wrong ends in one line that names the setting, and in an exit code of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from urllib.parse import urlsplit

import pytest

from llmbus.shared.settings import BusSettings
from tests.integration.ops.command import Ended, ended, llmbus, start
from tests.support.rabbit_api import Vhost

PASSWORD = "s3cret-word"


def assert_one_line(run: Ended, code: int, setting: str) -> None:
    assert run.code == code
    assert run.out == ""
    (line,) = run.err.splitlines()
    assert line.startswith("llmbus: ")
    assert setting in line
    assert "Traceback" not in run.err
    assert PASSWORD not in run.err


async def test_no_broker_there(no_port: int) -> None:
    run = await llmbus(
        "status",
        LLMBUS_AMQP_URL=f"amqp://user:{PASSWORD}@127.0.0.1:{no_port}/",
        LLMBUS_RABBITMQ_API_URL=f"http://127.0.0.1:{no_port}",
        LLMBUS_CONNECT_TIMEOUT_SECONDS="0.5",
    )
    assert_one_line(run, 69, "LLMBUS_AMQP_URL")


async def test_a_wrong_password_of_the_broker(amqp_url: str, vhost: Vhost, no_port: int) -> None:
    parts = urlsplit(amqp_url)
    run = await llmbus(
        "status",
        LLMBUS_AMQP_URL=f"amqp://{vhost.name}:{PASSWORD}@{parts.hostname}:{parts.port}/",
        LLMBUS_RABBITMQ_API_URL=f"http://127.0.0.1:{no_port}",
    )
    assert_one_line(run, 77, "LLMBUS_AMQP_URL")


async def test_a_wrong_vhost(bus_settings: BusSettings, vhost: Vhost, no_port: int) -> None:
    run = await llmbus(
        "status",
        LLMBUS_AMQP_URL=f"{bus_settings.amqp_url.get_secret_value()}-of-nobody",
        LLMBUS_RABBITMQ_API_URL=f"http://127.0.0.1:{no_port}",
    )
    assert_one_line(run, 79, "LLMBUS_AMQP_URL")
    assert vhost.password not in run.err


async def test_no_redis_there(no_port: int) -> None:
    run = await llmbus("workers", LLMBUS_REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{no_port}/0")
    assert_one_line(run, 74, "LLMBUS_REDIS_URL")


async def test_a_wrong_password_of_redis(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    url = f"redis://somebody:{PASSWORD}@{parts.hostname}:{parts.port}/0"
    assert_one_line(await llmbus("workers", LLMBUS_REDIS_URL=url), 80, "LLMBUS_REDIS_URL")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("LLMBUS_AMQP_URL", f"http://user:{PASSWORD}@broker/"),
        ("LLMBUS_AMQP_URL", f"amqp://user:{PASSWORD}#@broker/"),
        ("LLMBUS_RABBITMQ_API_URL", f"user:{PASSWORD}@broker"),
        ("LLMBUS_QUEUE_TYPE", "fast"),
        ("LLMBUS_RETRY_DELAYS_SECONDS", "5,1"),
        ("LLMBUS_PREFIX", "a b"),
    ],
)
async def test_a_wrong_setting(setting: str, value: str) -> None:
    assert_one_line(await llmbus("status", **{setting: value}), 78, setting)


async def test_a_wrong_command_line() -> None:
    run = await llmbus("wrokers")
    assert run.code == 2
    assert "Did you mean 'workers'" in run.err


async def test_ctrl_c_ends_quietly() -> None:
    """The listener accepts and says nothing, so the command waits when it is interrupted."""
    somebody_is_there = asyncio.Event()
    test_is_over = asyncio.Event()

    async def stay_silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        somebody_is_there.set()
        await test_is_over.wait()
        writer.close()

    async with await asyncio.start_server(stay_silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        process = await start("workers", LLMBUS_REDIS_URL=f"redis://127.0.0.1:{port}/0")
        async with asyncio.timeout(30):
            await somebody_is_there.wait()
        process.send_signal(signal.SIGINT)
        assert await ended(process) == Ended(130, "", "")
        test_is_over.set()


async def test_the_module_is_the_command() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "llmbus.ops", "--version", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.startswith(b"llmbus ")
    assert out == (await llmbus("--version")).out.encode()
