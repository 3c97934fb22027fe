"""What ack, nack and reject do."""

from dataclasses import replace

import pytest

from llmbus.shared.bus.interface import Bus
from llmbus.shared.errors import DeliveryLostError
from tests.contracts.bus.traffic import (
    LANE,
    LAYOUT,
    bodies,
    collect,
    message,
    submit,
    until_ready,
)
from tests.contracts.bus.transports import Transport


async def test_an_acked_message_is_gone_and_an_unacked_one_is_not(
    bus: Bus, transport: Transport
) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "acked", "unacked")
    [acked] = await collected.wait_for(1)
    await acked.ack()
    await collected.wait_for(2)  # so the broker has seen the ack

    await transport.drop_connections()

    await (await collected.wait_for(3))[2].ack()
    assert bodies(collected.deliveries) == ["acked", "unacked", "unacked"]
    await collected.stays_at(3)


async def test_a_nacked_message_comes_again_in_its_place(bus: Bus) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "first", "second", priority=4)
    [first] = await collected.wait_for(1)
    await submit(bus, "urgent", priority=9)

    await first.nack()

    for number in range(1, 4):
        await (await collected.wait_for(number + 1))[number].ack()
    _, urgent, again, second = collected.deliveries
    assert bodies([urgent, again, second]) == ["urgent", "first", "second"]
    assert again.redelivered
    assert again.message_id == first.message_id
    assert not first.redelivered
    assert not urgent.redelivered
    assert not second.redelivered


async def test_a_rejected_message_goes_unchanged_to_the_fallback_queue(bus: Bus) -> None:
    collected = await collect(bus)
    fallback = await collect(bus, LAYOUT.fallback_queue)
    sent = message("bad", priority=7)
    await bus.publish(LAYOUT.tasks, LANE, sent)

    await (await collected.wait_for(1))[0].reject()

    [dead] = await fallback.wait_for(1)
    assert dead.message == replace(sent, dead_letter_reason="rejected")
    assert dead.routing_key == LANE
    assert dead.queue == LAYOUT.fallback_queue
    assert not dead.redelivered
    await collected.stays_at(1)


async def test_a_message_rejected_from_a_queue_without_dead_letters_is_dropped(bus: Bus) -> None:
    collected = await collect(bus, LAYOUT.parking_queue, prefetch=1)
    for body in ("rejected", "next"):
        await bus.publish(LAYOUT.unrouted, "", message(body))

    await (await collected.wait_for(1))[0].reject()

    await (await collected.wait_for(2))[1].ack()
    assert bodies(collected.deliveries) == ["rejected", "next"]
    await collected.stays_at(2)
    await until_ready(bus, 0, LAYOUT.parking_queue)
    await until_ready(bus, 0, LAYOUT.fallback_queue)


async def test_settling_twice_is_an_error_and_settles_nothing_else(bus: Bus) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "first", "second", "third")
    [first] = await collected.wait_for(1)
    await first.ack()
    await collected.wait_for(2)

    for settle in (first.ack, first.nack, first.reject):
        with pytest.raises(RuntimeError):
            await settle()

    await collected.stays_at(2)


async def test_settling_after_the_bus_was_closed_raises_delivery_lost(
    bus: Bus, transport: Transport
) -> None:
    async with transport.new_bus() as closed:
        collected = await collect(closed)
        await submit(bus, "first", "second", "third")
        deliveries = await collected.wait_for(3)

    for settle in (deliveries[0].ack, deliveries[1].nack, deliveries[2].reject):
        with pytest.raises(DeliveryLostError):
            await settle()
    await until_ready(bus, 3)
