"""A broker of a test's own survives what is done to it."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import aio_pika
import pytest

from tests.services import BrokerCannotBeRestarted, PrivateBroker, private_broker
from tests.services.probes import amqp_problem

QUEUE = "kept"


@pytest.fixture
def broker() -> Generator[PrivateBroker]:
    try:
        with private_broker() as started:
            yield started
    except BrokerCannotBeRestarted as reason:
        pytest.skip(str(reason))


async def test_a_confirmed_message_survives_kill_9_and_a_start_on_the_same_url(
    broker: PrivateBroker,
) -> None:
    async with await aio_pika.connect(broker.amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue(QUEUE, durable=True)
        message = aio_pika.Message(b"paid for", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=QUEUE)

    await asyncio.to_thread(broker.kill9)
    assert amqp_problem(broker.amqp_url) is not None
    await asyncio.to_thread(broker.start)

    async with await aio_pika.connect(broker.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, durable=True, passive=True)
        delivery = await queue.get(no_ack=True)
        assert delivery.body == b"paid for"


def test_without_programs_to_run_it_tells_that_no_broker_can_be_restarted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.services.native.RELEASE_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TEST_AMQP_URL", "amqp://127.0.0.1/")
    monkeypatch.delenv("TEST_RABBITMQ_INSTALLATION", raising=False)

    with pytest.raises(BrokerCannotBeRestarted, match="TEST_AMQP_URL is set"), private_broker():
        pass
