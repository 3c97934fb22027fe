"""Connections, queues and brokers that go away while deliveries are in flight."""

from __future__ import annotations

import asyncio
import time

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.interface import Delivery, Message
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.errors import BrokerUnreachableError, DeliveryLostError
from llmbus.shared.settings import BusSettings
from llmbus.shared.topology import Layout
from tests.integration.rabbitmq.administration import Administration
from tests.integration.rabbitmq.conftest import Logged
from tests.integration.rabbitmq.proxy import Proxy
from tests.services.private import PrivateBroker, private_broker
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.waiting import Collected, eventually

LAYOUT = Layout()
LANE = LAYOUT.lane_queue("a")
MANY = 300
VERY_MANY = 10 * MANY
RESTART_SECONDS = 60.0


async def submit(bus: RabbitmqBus, *ids: str) -> None:
    await asyncio.gather(
        *(bus.publish(LAYOUT.tasks, "a", Message(b"x", "agent.task.v1", each, 4)) for each in ids)
    )


def ids(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.correlation_id for delivery in deliveries]


async def test_a_lost_connection_is_told_once_and_so_is_its_return(
    bus: RabbitmqBus, rabbit_api: RabbitApi, vhost: Vhost, logged: Logged
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    collected = Collected()
    await bus.consume(LANE, 2, collected)
    await submit(bus, "1")
    await collected.wait_for(1)

    await rabbit_api.drop_connections(vhost)

    async def all_are_back() -> bool:
        return len(logged.at("INFO")) == 3

    await eventually(all_are_back, "the three connections are back")
    assert sorted(text.rpartition("(")[2] for text in logged.at("WARNING")) == [
        "test consume)",
        "test control)",
        "test publish)",
    ]
    assert all("lost" in text and "127.0.0.1" in text for text in logged.at("WARNING"))
    assert all("is back" in text for text in logged.at("INFO"))
    assert logged.at("ERROR") == []
    assert logged.from_libraries == []
    assert vhost.password not in str(logged.lines)


async def test_nothing_hangs_that_settles_while_the_connection_is_lost(
    bus: RabbitmqBus, rabbit_api: RabbitApi, vhost: Vhost
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    collected = Collected()
    await bus.consume(LANE, VERY_MANY, collected)
    for _ in range(VERY_MANY // MANY):
        await submit(bus, *(["x"] * MANY))
    deliveries = iter((await collected.wait_for(VERY_MANY))[:])
    outcomes: list[type[Exception] | None] = []

    async def settle_one_after_the_other() -> None:
        for delivery in deliveries:
            try:
                await delivery.ack()
            except DeliveryLostError:
                outcomes.append(DeliveryLostError)
            else:
                outcomes.append(None)
            await asyncio.sleep(0)

    dropping = asyncio.create_task(rabbit_api.drop_connections(vhost))
    settling = [asyncio.create_task(settle_one_after_the_other()) for _ in range(50)]
    _, hanging = await asyncio.wait(settling, timeout=20)

    assert not hanging
    await dropping
    assert len(outcomes) == VERY_MANY


async def test_a_subscription_outlasts_the_deletion_of_its_queue(
    bus: RabbitmqBus, administration: Administration, logged: Logged
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    collected = Collected()
    await bus.consume(LANE, 2, collected)

    await administration.delete_queue(LANE)

    async def the_loss_is_told() -> bool:
        return any("there is no queue" in text for text in logged.at("WARNING"))

    await eventually(the_loss_is_told, "the subscription misses its queue")
    await bus.declare(LAYOUT.for_tasks(["a"]))
    await submit(bus, "1")
    await (await collected.wait_for(1))[0].ack()


async def test_a_connection_that_fell_silent_is_replaced(
    proxied: BusSettings, proxy: Proxy, logged: Logged
) -> None:
    settings = proxied.model_copy(
        update={"amqp_heartbeat_seconds": 1, "publish_timeout_seconds": 20.0}
    )
    async with RabbitmqBus(settings) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        collected = Collected()
        await bus.consume(LANE, 2, collected)
        await submit(bus, "1")
        lost = (await collected.wait_for(1))[0]

        proxy.freeze()

        async def the_loss_is_noticed() -> bool:
            try:
                await lost.ack()
            except DeliveryLostError:
                return True
            except RuntimeError:
                return False  # settled already, as far as anyone can know
            return False

        await eventually(the_loss_is_noticed, "the missing heartbeat is noticed")
        await proxy.refuse()
        proxy.thaw()
        await proxy.listen()
        again = (await collected.wait_for(2))[1]
        assert again.redelivered
        assert again.message_id == lost.message_id
        await again.ack()
        await submit(bus, "2")
        assert ids(await collected.wait_for(3))[2] == "2"
    assert logged.from_libraries == []


async def test_cancelling_during_an_outage_ends_the_subscription(
    proxied: BusSettings, proxy: Proxy
) -> None:
    async with RabbitmqBus(proxied) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        collected = Collected()
        subscription = await bus.consume(LANE, 2, collected)
        await submit(bus, "1")
        lost = (await collected.wait_for(1))[0]
        await proxy.refuse()
        await subscription.cancel()
        await proxy.listen()

        async def the_message_is_back() -> bool:
            try:
                depth = (await bus.depths([LANE]))[LANE]
            except BrokerUnreachableError:
                return False
            return depth is not None and depth.ready == 1 and depth.consumers == 0

        await eventually(the_message_is_back, "the message is ready, and nobody consumes")
        with pytest.raises(DeliveryLostError):
            await lost.ack()


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
async def test_a_bus_closes_soon_without_its_broker(
    proxied: BusSettings, proxy: Proxy, fault: str
) -> None:
    async with RabbitmqBus(proxied) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.consume(LANE, 2, Collected())
        await submit(bus, "1")
        if fault == "freeze":
            proxy.freeze()
        else:
            await proxy.refuse()
        started = time.monotonic()
    assert time.monotonic() - started < 6


async def test_a_bus_closes_at_once_with_its_broker(bus_settings: BusSettings) -> None:
    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.consume(LANE, 2, Collected())
        await submit(bus, "1", "2", "3")
        started = time.monotonic()
    assert time.monotonic() - started < 1


async def test_acks_sent_just_before_closing_arrive(bus_settings: BusSettings) -> None:
    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        collected = Collected()
        await bus.consume(LANE, MANY, collected)
        await submit(bus, *(str(number) for number in range(MANY)))
        for delivery in await collected.wait_for(MANY):
            await delivery.ack()
    async with RabbitmqBus(bus_settings) as bus:
        depth = (await bus.depths([LANE]))[LANE]
    assert depth is not None
    assert depth.ready == 0


@pytest.mark.parametrize("how", ["stop", "kill9"])
async def test_a_broker_restart_loses_nothing_that_was_confirmed(how: str, logged: Logged) -> None:
    with private_broker() as broker:
        settings = BusSettings(
            amqp_url=SecretStr(broker.amqp_url), publish_timeout_seconds=RESTART_SECONDS
        )
        async with RabbitmqBus(settings) as bus:
            await bus.declare(LAYOUT.for_tasks(["a"]))
            collected = Collected()
            await bus.consume(LANE, 2, collected)
            await submit(bus, "1", "2", "3")
            lost = (await collected.wait_for(2))[:]

            await restart(broker, how, during=asyncio.create_task(submit(bus, "4")))

            again = (await collected.wait_for(4, seconds=RESTART_SECONDS))[2:]
            assert [each.message_id for each in again] == [each.message_id for each in lost]
            assert all(each.redelivered for each in again)
            for delivery in lost:
                with pytest.raises(DeliveryLostError):
                    await delivery.ack()
            for delivery in again:
                await delivery.ack()
            assert set(ids((await collected.wait_for(6))[4:])) >= {"3", "4"}
    assert logged.from_libraries == []


async def restart(broker: PrivateBroker, how: str, during: asyncio.Task[None]) -> None:
    """Returns when the broker is back and what was published meanwhile is confirmed."""
    await asyncio.to_thread(broker.stop if how == "stop" else broker.kill9)
    await asyncio.to_thread(broker.start)
    await during
