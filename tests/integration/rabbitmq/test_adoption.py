"""Declaring where something is there already, on real brokers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.errors import ConfigurationError, TopologyMismatchError
from llmbus.shared.settings import BusSettings, QueueType
from llmbus.shared.topology import Layout, Queue, Topology
from tests.integration.rabbitmq.administration import Administration
from tests.integration.rabbitmq.conftest import Logged
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.waiting import Collected, eventually

LAYOUT = Layout()
LANE = LAYOUT.lane_queue("a")
WAIT = LAYOUT.retry(LAYOUT.ladder.all_rungs()[0])
RESULTS = LAYOUT.results_queue("o")
CLASSIC_LANE: dict[str, Any] = {"x-max-priority": 10, "x-dead-letter-exchange": LAYOUT.dead}
QUORUM_KEEPS_PRIORITY = (4, 3, 0)


def of_type(settings: BusSettings, queue_type: QueueType) -> BusSettings:
    return settings.model_copy(update={"queue_type": queue_type})


@pytest.fixture
async def foreign(bus_settings: BusSettings) -> AsyncIterator[AbstractChannel]:
    """A channel of somebody else, who was there before us."""
    connection = await aio_pika.connect(bus_settings.amqp_url.get_secret_value())
    async with connection:
        yield await connection.channel()


@pytest.mark.parametrize(
    ("queue", "arguments", "expected"),
    [
        (
            LANE,
            {"x-dead-letter-exchange": LAYOUT.dead},
            "x-max-priority is not set, wanted is 10; set LLMBUS_PREFIX",
        ),
        (LANE, CLASSIC_LANE | {"x-max-priority": 3}, "x-max-priority is 3, wanted is 10; set"),
        (
            LANE,
            {"x-max-priority": 10},
            f"x-dead-letter-exchange is not set, wanted is {LAYOUT.dead}; set LLMBUS_PREFIX",
        ),
        (LANE, CLASSIC_LANE | {"x-message-ttl": 5}, "x-message-ttl is 5, wanted is not set"),
        (LANE, CLASSIC_LANE | {"x-expires": 60_000}, "x-expires is 60000, wanted is not set"),
        (
            WAIT,
            {"x-message-ttl": 5, "x-dead-letter-exchange": LAYOUT.due},
            "x-message-ttl is 5, wanted is 800; delete the queue, or set"
            " LLMBUS_RETRY_DELAYS_SECONDS or LLMBUS_PREFIX",
        ),
    ],
)
async def test_a_queue_that_cannot_keep_the_promises_is_refused_in_one_line(
    bus: RabbitmqBus,
    foreign: AbstractChannel,
    queue: str,
    arguments: dict[str, Any],
    expected: str,
) -> None:
    await foreign.declare_queue(queue, durable=True, arguments=arguments)

    with pytest.raises(TopologyMismatchError) as caught:
        await bus.declare(LAYOUT.for_tasks(["a"]))

    assert str(caught.value).startswith(f"queue {queue!r}: {expected}")
    assert "\n" not in str(caught.value)


async def test_a_queue_that_would_delete_itself_is_refused(
    bus: RabbitmqBus, foreign: AbstractChannel
) -> None:
    await foreign.declare_queue(LANE, durable=True, auto_delete=True, arguments=CLASSIC_LANE)
    with pytest.raises(TopologyMismatchError, match="auto_delete is true, wanted is false"):
        await bus.declare(LAYOUT.for_tasks(["a"]))


async def test_a_queue_that_belongs_to_another_connection_is_refused(
    bus: RabbitmqBus, foreign: AbstractChannel
) -> None:
    await foreign.declare_queue(LANE, exclusive=True, arguments=CLASSIC_LANE)
    with pytest.raises(TopologyMismatchError, match=LANE):
        await bus.declare(LAYOUT.for_tasks(["a"]))


async def test_an_exchange_of_another_type_is_refused(
    bus: RabbitmqBus, foreign: AbstractChannel
) -> None:
    await foreign.declare_exchange(LAYOUT.tasks, "topic", durable=True)
    with pytest.raises(TopologyMismatchError) as caught:
        await bus.declare(LAYOUT.for_tasks(["a"]))
    assert str(caught.value).startswith(
        f"exchange {LAYOUT.tasks!r}: type is topic, wanted is direct; set LLMBUS_PREFIX"
    )


@pytest.mark.parametrize(
    ("queue", "arguments", "warning"),
    [
        (LANE, CLASSIC_LANE | {"x-max-priority": 255}, "x-max-priority is 255, wanted is 10"),
        (LANE, CLASSIC_LANE | {"x-max-length": 9}, "x-max-length is 9, wanted is not set"),
        (
            LANE,
            CLASSIC_LANE | {"x-overflow": "reject-publish"},
            "x-overflow is reject-publish, wanted is not set",
        ),
        (RESULTS, {"x-expires": 60_000}, "x-expires is 60000, wanted is 604800000"),
    ],
)
async def test_a_queue_that_differs_tolerably_is_used_with_one_warning(
    bus: RabbitmqBus,
    foreign: AbstractChannel,
    logged: Logged,
    queue: str,
    arguments: dict[str, Any],
    warning: str,
) -> None:
    if queue == LANE and (3, 12, 0) <= bus.broker_version < (4, 3, 0):
        arguments = arguments | {"x-consumer-timeout": 87_000_000}
    await foreign.declare_queue(queue, durable=True, arguments=arguments)

    for _ in range(2):
        await bus.declare(LAYOUT.for_tasks(["a"]) + LAYOUT.for_results("o"))

    expected = f"queue {queue!r}: {warning}; it is used as it is"
    assert [text for text in logged.at("WARNING") if queue in text] == [expected]


async def test_several_tolerable_differences_are_all_told(
    bus: RabbitmqBus, foreign: AbstractChannel, logged: Logged
) -> None:
    arguments = CLASSIC_LANE | {"x-max-priority": 20, "x-max-length": 9}
    await foreign.declare_queue(LANE, durable=True, arguments=arguments)

    await bus.declare(LAYOUT.for_tasks(["a"]))

    told = " ".join(text for text in logged.at("WARNING") if LANE in text)
    assert "x-max-priority" in told
    assert "x-max-length" in told


async def test_a_tolerable_difference_does_not_hide_an_intolerable_one(
    bus: RabbitmqBus, foreign: AbstractChannel
) -> None:
    arguments: dict[str, Any] = {"x-max-priority": 20, "x-max-length": 9}
    await foreign.declare_queue(LANE, durable=True, arguments=arguments)
    with pytest.raises(TopologyMismatchError, match="x-dead-letter-exchange is not set"):
        await bus.declare(LAYOUT.for_tasks(["a"]))


async def test_auto_keeps_the_type_of_what_exists(
    bus_settings: BusSettings, rabbit_api: RabbitApi, vhost: Vhost, logged: Logged
) -> None:
    topology = LAYOUT.for_tasks(["a"])
    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(topology)

    async with RabbitmqBus(of_type(bus_settings, QueueType.AUTO)) as bus:
        await bus.declare(topology)

    for queue in topology.queues:
        assert (await rabbit_api.queue(vhost, queue.name)).type == "classic"
    assert [text for text in logged.at("WARNING") if "rabbitmq.conf" not in text] == []


async def test_an_existing_quorum_lane_is_used_only_where_it_keeps_priorities(
    bus_settings: BusSettings, rabbit_api: RabbitApi, vhost: Vhost, logged: Logged
) -> None:
    plain = Topology(queues=(Queue(LANE, dead_letter_exchange=LAYOUT.dead),))
    async with RabbitmqBus(of_type(bus_settings, QueueType.QUORUM)) as bus:
        await bus.declare(plain)

    async with RabbitmqBus(bus_settings) as bus:
        if bus.broker_version < QUORUM_KEEPS_PRIORITY:
            with pytest.raises(TopologyMismatchError, match="do not keep priorities"):
                await bus.declare(LAYOUT.for_tasks(["a"]))
            return
        await bus.declare(LAYOUT.for_tasks(["a"]))
    assert (await rabbit_api.queue(vhost, LANE)).type == "quorum"
    warning = f"queue {LANE!r}: x-queue-type is quorum, wanted is classic; it is used as it is"
    assert logged.at("WARNING") == [warning]


async def test_quorum_lanes_are_refused_where_they_would_lose_priorities_and_leave_nothing(
    bus_settings: BusSettings,
) -> None:
    async with RabbitmqBus(of_type(bus_settings, QueueType.QUORUM)) as bus:
        if bus.broker_version >= QUORUM_KEEPS_PRIORITY:
            pytest.skip("quorum queues of this broker keep priorities")
        with pytest.raises(ConfigurationError, match="LLMBUS_QUEUE_TYPE"):
            await bus.declare(LAYOUT.for_tasks(["a"]))
        assert await bus.depths([LAYOUT.parking_queue]) == {LAYOUT.parking_queue: None}


async def test_a_vhost_with_another_default_type_gets_the_type_that_was_asked_for(
    bus: RabbitmqBus, administration: Administration, rabbit_api: RabbitApi, vhost: Vhost
) -> None:
    await administration.default_queue_type("quorum")
    await bus.declare(LAYOUT.for_tasks(["a"]))
    assert (await rabbit_api.queue(vhost, LANE)).type == "classic"


async def test_quorum_queues_keep_priority_over_retry_and_dead_letter(
    bus_settings: BusSettings,
) -> None:
    settings = of_type(bus_settings, QueueType.QUORUM)
    layout = settings.layout
    async with RabbitmqBus(settings) as bus:
        if bus.broker_version < QUORUM_KEEPS_PRIORITY:
            pytest.skip("quorum queues of this broker do not keep priorities")
        await bus.declare(layout.for_tasks(["a"]))
        wait = layout.retry(timedelta(milliseconds=40))
        for priority in (1, 9, 4):
            message = Message(b"x", "agent.task.v1", f"id-{priority}", priority)
            await bus.publish(wait, "a", message)
        lane = layout.lane_queue("a")

        async def all_are_due() -> bool:
            depth = (await bus.depths([lane]))[lane]
            return depth is not None and depth.ready == 3

        await eventually(all_are_due, "the messages come back from the wait queue")
        tasks, dead = Collected(), Collected()
        await bus.consume(lane, 1, tasks)
        await bus.consume(layout.fallback_queue, 9, dead)
        for number in range(3):
            await (await tasks.wait_for(number + 1))[number].reject()
        assert [each.message.priority for each in tasks.deliveries] == [9, 4, 1]
        assert {each.message.priority for each in await dead.wait_for(3)} == {9, 4, 1}


async def test_without_the_right_to_configure_what_exists_is_used(
    bus_settings: BusSettings, administration: Administration, logged: Logged
) -> None:
    topology = LAYOUT.for_tasks(["a"])
    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(topology)
    await administration.permit(configure="^$", write=".*", read=".*")

    async with RabbitmqBus(bus_settings) as bus:
        await bus.declare(topology)
        await bus.publish(LAYOUT.tasks, "a", Message(b"x", "agent.task.v1", "id", 4))
    assert any(f"queue {LANE!r} is used unchecked" in text for text in logged.at("WARNING"))


async def test_without_the_right_to_configure_what_is_missing_is_named(
    bus_settings: BusSettings, administration: Administration
) -> None:
    await administration.permit(configure="^$", write=".*", read=".*")
    async with RabbitmqBus(bus_settings) as bus:
        with pytest.raises(ConfigurationError, match="may not declare exchange"):
            await bus.declare(LAYOUT.for_tasks(["a"]))
