"""A resource alarm of the broker: publishing waits, everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.interface import Bus
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.errors import PublishUnknownError
from llmbus.shared.settings import BusSettings
from tests.contracts.bus.traffic import LANE, LANE_QUEUE, LAYOUT, bodies, submit, until_ready
from tests.services import PrivateBroker
from tests.support.broker_to_break import broker_to_break
from tests.support.waiting import Collected, eventually

PUBLISH_TIMEOUT = timedelta(seconds=0.5)
UNTIL_THE_ALARM_IS_OVER = timedelta(seconds=30)


class Alarmable(Protocol):
    """A broker that can be told to have an alarm."""

    def new_bus(self, publish_timeout: timedelta) -> Bus: ...

    async def begin_alarm(self) -> None: ...

    async def end_alarm(self) -> None: ...


class AlarmableMemory:
    def __init__(self) -> None:
        self._broker = MemoryBroker()

    def new_bus(self, publish_timeout: timedelta) -> Bus:
        return MemoryBus(self._broker, publish_timeout=publish_timeout)

    async def begin_alarm(self) -> None:
        self._broker.alarm.begin()

    async def end_alarm(self) -> None:
        self._broker.alarm.end()


class AlarmableRabbitmq:
    def __init__(self, broker: PrivateBroker) -> None:
        self._broker = broker

    def new_bus(self, publish_timeout: timedelta) -> Bus:
        settings = BusSettings(
            amqp_url=SecretStr(self._broker.amqp_url),
            publish_timeout_seconds=publish_timeout.total_seconds(),
        )
        return RabbitmqBus(settings, name="alarmed")

    async def begin_alarm(self) -> None:
        await asyncio.to_thread(self._broker.begin_alarm)

    async def end_alarm(self) -> None:
        await asyncio.to_thread(self._broker.end_alarm)


@pytest.fixture(scope="module")
def broker() -> Iterator[PrivateBroker]:
    """The alarms of the shared one would block every other test."""
    with broker_to_break() as broker:
        yield broker


@pytest.fixture(params=["memory", "rabbitmq"])
def alarmable(request: pytest.FixtureRequest) -> Iterator[Alarmable]:
    if request.param == "memory":
        yield AlarmableMemory()
        return
    broker: PrivateBroker = request.getfixturevalue("broker")
    yield AlarmableRabbitmq(broker)
    broker.end_alarm()


async def blocked(bus: Bus) -> None:
    async def is_blocked() -> bool:
        return bus.condition.blocked

    await eventually(is_blocked, "the bus knows that it is blocked")


async def test_what_is_published_in_an_alarm_arrives_once_when_it_is_over(
    alarmable: Alarmable,
) -> None:
    async with alarmable.new_bus(UNTIL_THE_ALARM_IS_OVER) as bus:
        await bus.declare(LAYOUT.for_tasks([LANE]))
        await submit(bus, "before")
        await alarmable.begin_alarm()
        publishing = asyncio.create_task(submit(bus, "meanwhile"))
        await blocked(bus)
        assert bus.condition.connected
        assert not publishing.done()
        await alarmable.end_alarm()
        await publishing
        assert not bus.condition.blocked
        collected = Collected()
        subscription = await bus.consume(LANE_QUEUE, 9, collected)
        both = await collected.wait_for(2)
        assert bodies(both) == ["before", "meanwhile"]
        for each in both:
            await each.ack()
        await subscription.cancel()


async def test_taking_settling_and_cancelling_go_on_in_an_alarm(alarmable: Alarmable) -> None:
    async with alarmable.new_bus(UNTIL_THE_ALARM_IS_OVER) as bus:
        await bus.declare(LAYOUT.for_tasks([LANE]))
        await submit(bus, "acked", "nacked")
        await alarmable.begin_alarm()
        publishing = asyncio.create_task(submit(bus, "meanwhile"))
        await blocked(bus)
        collected = Collected()
        subscription = await bus.consume(LANE_QUEUE, 2, collected)
        acked, nacked = await collected.wait_for(2)
        await subscription.cancel()
        await acked.ack()
        await nacked.nack()
        await until_ready(bus, 1)
        await alarmable.end_alarm()
        await publishing
        await until_ready(bus, 2)
        rest = Collected()
        subscription = await bus.consume(LANE_QUEUE, 2, rest)
        for each in await rest.wait_for(2):
            await each.ack()
        await subscription.cancel()


async def test_a_publish_that_is_given_up_in_an_alarm_is_unknown_and_arrives_after_it(
    alarmable: Alarmable,
) -> None:
    async with alarmable.new_bus(PUBLISH_TIMEOUT) as bus:
        await bus.declare(LAYOUT.for_tasks([LANE]))
        await submit(bus, "before")
        await alarmable.begin_alarm()
        with pytest.raises(PublishUnknownError):
            await submit(bus, "given up")
        await alarmable.end_alarm()
        collected = Collected()
        subscription = await bus.consume(LANE_QUEUE, 9, collected)
        for each in await collected.wait_for(2):
            await each.ack()
        assert collected.bodies == [b"before", b"given up"]
        await subscription.cancel()
