"""Consumers that the broker has lost and the client believes in, on a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.settings import BusSettings
from llmbus.shared.topology import Layout
from llmbus.worker.intake import Intake, Source
from llmbus.worker.watchdog import Watchdog
from tests.integration.rabbitmq.administration import Administration
from tests.services import PrivateBroker
from tests.support.broker_to_break import broker_to_break
from tests.support.waiting import Collected, eventually

LAYOUT = Layout()
LANE = "a"
QUEUE = LAYOUT.lane_queue(LANE)
SLOTS = 5

FORGET_CONSUMERS = """
{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"QUEUE">>)),
Forget = fun(Pid, Tag) ->
    case erlang:function_exported(rabbit_queue_type, cancel, 3) of
        true -> {stop_consumer, #{pid => Pid, consumer_tag => Tag, user => <<"test">>}};
        false -> {basic_cancel, Pid, Tag, undefined, <<"test">>}
    end
end,
[gen_server2:call(amqqueue:get_pid(Q), Forget(element(1, C), element(2, C)), infinity)
 || C <- rabbit_amqqueue:consumers(Q), element(4, C) =:= SLOTS].
""".replace("QUEUE", QUEUE).replace("SLOTS", str(SLOTS))
"""The queue drops the consumers of so many slots and tells nobody, neither their channels nor their
clients. RabbitMQ 4 calls that another name."""


class Lane:
    """One lane that is consumed, and its watchdog."""

    def __init__(self, bus: RabbitmqBus) -> None:
        self.bus = bus
        self.collected = Collected()
        self.intake = Intake(bus, [Source(QUEUE, SLOTS)], lambda _, each: self.collected(each))
        self.watchdog = Watchdog(
            bus, LAYOUT.for_tasks([LANE]), self.intake, lambda _: self.has_room
        )
        self.has_room = True

    async def submit(self, body: bytes) -> None:
        await self.bus.publish(LAYOUT.tasks, LANE, Message(body, "agent.task.v1", "t", 4))

    async def consumers(self) -> int | None:
        depth = (await self.bus.depths([QUEUE]))[QUEUE]
        return depth.consumers if depth else None


@pytest.fixture
async def lane(bus: RabbitmqBus) -> Lane:
    """On this run's broker."""
    return await opened(bus)


@pytest.fixture(scope="module")
def broker() -> Iterator[PrivateBroker]:
    with broker_to_break() as broker:
        yield broker


@pytest.fixture
async def private_lane(broker: PrivateBroker) -> AsyncIterator[Lane]:
    settings = BusSettings(amqp_url=SecretStr(broker.amqp_url))
    async with RabbitmqBus(settings, name="test") as bus:
        yield await opened(bus)


async def opened(bus: RabbitmqBus) -> Lane:
    await bus.declare(LAYOUT.for_tasks([LANE]))
    lane = Lane(bus)
    await lane.intake.open()
    return lane


async def test_a_lane_that_is_well_is_left_alone(lane: Lane) -> None:
    await lane.submit(b"1")
    await lane.collected.wait_for(1)
    await lane.watchdog.check()
    assert list(lane.watchdog.deaf_queues) == []
    await lane.collected.stays_at(1)


async def test_a_consumer_that_the_broker_dropped_in_silence_is_replaced(
    broker: PrivateBroker, private_lane: Lane
) -> None:
    lane = private_lane
    await lane.submit(b"before")
    [held] = await lane.collected.wait_for(1)
    await asyncio.to_thread(broker.ctl, "eval", FORGET_CONSUMERS)
    assert lane.intake.is_consuming(QUEUE)
    assert await lane.consumers() == 0
    await lane.submit(b"unheard")

    await lane.watchdog.check()

    assert list(lane.watchdog.deaf_queues) == [QUEUE]
    await lane.collected.wait_for_each([b"before", b"unheard"])
    await held.ack()  # what the old consumer took is still ours
    assert len(lane.collected.deliveries) == 2
    await lane.watchdog.check()
    assert list(lane.watchdog.deaf_queues) == []


async def test_a_consumer_that_is_missing_beside_others_is_noticed_when_tasks_wait(
    broker: PrivateBroker, private_lane: Lane
) -> None:
    lane, others = private_lane, Collected()
    await lane.bus.consume(QUEUE, 1, others)
    await asyncio.to_thread(broker.ctl, "eval", FORGET_CONSUMERS)
    assert await lane.consumers() == 1
    for body in (b"taken", b"passed over"):
        await lane.submit(body)
    await others.wait_for(1)

    lane.has_room = False
    for _ in range(2):
        await lane.watchdog.check()
    lane.has_room = True
    await lane.watchdog.check()
    assert list(lane.watchdog.deaf_queues) == []  # once may be by chance
    await lane.watchdog.check()

    assert list(lane.watchdog.deaf_queues) == [QUEUE]
    await lane.collected.wait_for_each([b"passed over"])
    await lane.watchdog.check()
    assert list(lane.watchdog.deaf_queues) == []


async def test_a_queue_that_was_deleted_is_declared_and_consumed_again(
    lane: Lane, administration: Administration
) -> None:
    await administration.delete_queue(QUEUE)
    await until_heard_of(lane)
    await lane.watchdog.check()
    await lane.submit(b"later")
    await lane.collected.wait_for_each([b"later"])


async def test_a_queue_that_another_client_declared_again_is_consumed_again(
    lane: Lane, administration: Administration
) -> None:
    await administration.delete_queue(QUEUE)
    await lane.bus.declare(LAYOUT.for_tasks([LANE]))

    async def is_consumed() -> bool:
        return bool(await lane.consumers())

    await eventually(is_consumed, "the lane is consumed again")
    await lane.submit(b"later")
    await lane.collected.wait_for_each([b"later"])


async def until_heard_of(lane: Lane) -> None:
    """The broker cancels the consumer of a deleted queue."""

    async def is_heard() -> bool:
        return not lane.intake.is_consuming(QUEUE)

    await eventually(is_heard, "the cancellation has arrived")
