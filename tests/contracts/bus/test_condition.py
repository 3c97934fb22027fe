"""What a bus says about itself, and a subscription about its consumer."""

from __future__ import annotations

from llmbus.shared.bus.interface import Bus, BusCondition, Subscription
from tests.contracts.bus.traffic import LANE_QUEUE, collect, submit
from tests.contracts.bus.transports import Transport
from tests.support.waiting import Collected, eventually

WELL = BusCondition(connected=True, blocked=False)
AWAY = BusCondition(connected=False, blocked=False)


async def test_a_bus_is_connected_while_it_is_open(transport: Transport) -> None:
    bus = transport.new_bus()
    assert bus.condition == AWAY
    async with bus:
        assert bus.condition == WELL
    assert bus.condition == AWAY


async def test_a_bus_is_connected_again_after_a_loss(bus: Bus, transport: Transport) -> None:
    collected = await collect(bus)
    await submit(bus, "before")
    await collected.wait_for(1)

    await transport.drop_connections()

    async def is_well() -> bool:
        return bus.condition == WELL

    await eventually(is_well, "the bus is connected again")


async def test_a_subscription_consumes_until_it_is_cancelled(bus: Bus) -> None:
    subscription = await bus.consume(LANE_QUEUE, 1, Collected())
    assert await believed_and_seen(bus, subscription) == (True, 1)
    await subscription.cancel()
    assert await believed_and_seen(bus, subscription) == (False, 0)


async def test_a_subscription_consumes_again_after_a_loss(bus: Bus, transport: Transport) -> None:
    collected = Collected()
    subscription = await bus.consume(LANE_QUEUE, 1, collected)
    await submit(bus, "task")
    await collected.wait_for(1)

    await transport.drop_connections()

    await collected.wait_for(2)
    assert subscription.is_consuming


async def believed_and_seen(bus: Bus, subscription: Subscription) -> tuple[bool, int]:
    """What we believe of our consumer, and how many the broker sees."""
    depth = (await bus.depths([LANE_QUEUE]))[LANE_QUEUE]
    assert depth is not None
    return subscription.is_consuming, depth.consumers
