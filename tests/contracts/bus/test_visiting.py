"""A visit sees a queue to its end, holds what it takes and gives back what it does not settle."""

from __future__ import annotations

import asyncio

import pytest

from llmbus.shared.bus.interface import Bus, Delivery
from llmbus.shared.errors import BrokerUnreachableError, ConfigurationError, DeliveryLostError
from tests.contracts.bus.traffic import LANE_QUEUE, bodies, collect, submit, until_ready
from tests.contracts.bus.transports import Transport


async def taken(bus: Bus, count: int) -> tuple[list[Delivery], list[bytes]]:
    """The first `count` messages of a visit that settles nothing."""
    async with bus.visit(LANE_QUEUE) as visit:
        deliveries = [await visit.next() for _ in range(count)]
    held = [delivery for delivery in deliveries if delivery is not None]
    return held, [delivery.message.body for delivery in held]


async def test_a_visit_sees_everything_in_its_order_and_then_the_end(bus: Bus) -> None:
    await submit(bus, "first", "second")
    await submit(bus, "urgent", priority=9)
    async with bus.visit(LANE_QUEUE) as visit:
        seen = [await visit.next() for _ in range(4)]
    assert seen[3] is None
    assert bodies(delivery for delivery in seen if delivery) == ["urgent", "first", "second"]


async def test_what_is_not_settled_returns_to_its_place_under_its_id(bus: Bus) -> None:
    await submit(bus, "first", "second", "third")
    before, _ = await taken(bus, 2)
    await until_ready(bus, 3)
    collected = await collect(bus)
    after = await collected.wait_for(3)
    assert bodies(after) == ["first", "second", "third"]
    assert [each.message_id for each in after[:2]] == [each.message_id for each in before]
    assert [each.redelivered for each in after[:2]] == [True, True]


async def test_what_is_held_is_nobody_elses(bus: Bus, second_bus: Bus) -> None:
    await submit(bus, "held", "free")
    async with bus.visit(LANE_QUEUE) as visit, second_bus.visit(LANE_QUEUE) as other:
        mine, theirs = await visit.next(), await other.next()
        assert mine is not None
        assert theirs is not None
        assert bodies([mine, theirs]) == ["held", "free"]
        assert await other.next() is None


async def test_what_is_acked_is_gone_and_what_is_nacked_is_there(bus: Bus) -> None:
    await submit(bus, "acked", "nacked")
    async with bus.visit(LANE_QUEUE) as visit:
        for settle in ("ack", "nack"):
            delivery = await visit.next()
            assert delivery is not None
            await getattr(delivery, settle)()
        assert await visit.next() is None
    await until_ready(bus, 1)
    assert (await taken(bus, 1))[1] == [b"nacked"]


async def test_what_arrives_meanwhile_makes_no_visit_endless(bus: Bus) -> None:
    await submit(bus, "first", "second")
    async with bus.visit(LANE_QUEUE) as visit:
        await submit(bus, "meanwhile")
        seen = [await visit.next() for _ in range(3)]
    assert bodies(delivery for delivery in seen if delivery) == ["first", "second"]
    await until_ready(bus, 3)


async def test_a_long_queue_is_seen_whole_again_and_again(bus: Bus) -> None:
    """Longer than what a transport holds unread, and right after it was returned."""
    expected = [str(number) for number in range(350)]
    await asyncio.gather(*(submit(bus, body) for body in expected))
    for settled in (0, 1):
        async with bus.visit(LANE_QUEUE) as visit:
            seen: list[Delivery] = []
            while (delivery := await visit.next()) is not None:
                seen.append(delivery)
                if settled:
                    await delivery.ack()
        assert sorted(bodies(seen)) == sorted(expected)
    await until_ready(bus, 0)


async def test_a_visit_ends_with_its_connection(bus: Bus, transport: Transport) -> None:
    await submit(bus, "held", "free")
    async with bus.visit(LANE_QUEUE) as visit:
        held = await visit.next()
        assert held is not None
        await transport.drop_connections()
        with pytest.raises(BrokerUnreachableError):
            await visit.next()
        with pytest.raises(DeliveryLostError):
            await held.ack()
    await until_ready(bus, 2)


async def test_nothing_can_be_settled_after_the_visit(bus: Bus) -> None:
    await submit(bus, "held")
    [held], _ = await taken(bus, 1)
    with pytest.raises(DeliveryLostError):
        await held.ack()
    await until_ready(bus, 1)


async def test_a_queue_that_does_not_exist_is_named(bus: Bus) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        async with bus.visit("nowhere") as visit:
            await visit.next()
