"""A RabbitMQ of another version is named by its folder, started, harmed, and never replaced."""

import os
from pathlib import Path

import aio_pika
import pytest

from tests.services import installation, private_broker
from tests.services.errors import GivenInstallationError, StartFailed, Unavailable
from tests.services.order import rabbitmq_ways

VARIABLE = installation.INSTALLATION_VARIABLE
QUEUE = "kept"


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


async def test_the_named_installation_keeps_what_it_confirmed_when_it_is_killed() -> None:
    if not installation.is_named():
        pytest.skip(f"{VARIABLE} names no installation of another version")
    server = installation.rabbitmq_binaries().server
    with private_broker() as broker:
        async with await aio_pika.connect(broker.amqp_url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            queue = await channel.declare_queue(QUEUE, durable=True)
            message = aio_pika.Message(b"paid for", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, routing_key=QUEUE)
        broker.kill9()
        broker.start()
        async with await aio_pika.connect(broker.amqp_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(QUEUE, durable=True, passive=True)
            assert (await queue.get(no_ack=True)).body == b"paid for"
        assert f"rabbitmq_server-{broker.ctl('version').strip()}" in server.parts


def test_a_release_that_does_not_start_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / "release/sbin/rabbitmq-server", "echo broken release; exit 1")
    for name in ("erl", "epmd"):
        program(tmp_path / "bin" / name, "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "release"))

    with pytest.raises(StartFailed, match="broken release"), private_broker():
        pass
    assert [way.name for way in rabbitmq_ways()] == ["given", "installation"]


def test_a_folder_without_rabbitmq_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    with pytest.raises(GivenInstallationError, match=f"{VARIABLE}.*holds neither"):
        installation.rabbitmq_binaries()


def test_no_name_leaves_it_to_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    with pytest.raises(Unavailable, match=VARIABLE):
        installation.rabbitmq_binaries()
    assert "installation" not in [way.name for way in rabbitmq_ways()]
