"""What happens to messages that were taken and not settled, when a connection ends."""

import pytest

from llmbus.shared.bus.interface import Bus
from llmbus.shared.errors import DeliveryLostError
from tests.contracts.bus.traffic import (
    LANE_QUEUE,
    OTHER_LANE,
    OTHER_LANE_QUEUE,
    bodies,
    collect,
    submit,
    until_ready,
)
from tests.contracts.bus.transports import Transport
from tests.support.waiting import Collected


async def test_after_a_lost_connection_unsettled_messages_come_again_as_the_same(
    bus: Bus, transport: Transport
) -> None:
    collected = await collect(bus)
    await submit(bus, "a", "b", "c")
    before = await collected.wait_for(3)

    await transport.drop_connections()

    after = (await collected.wait_for(6))[3:]
    assert bodies(after) == ["a", "b", "c"]
    assert [delivery.redelivered for delivery in before] == [False] * 3
    assert [delivery.redelivered for delivery in after] == [True] * 3
    assert [new.message_id for new in after] == [old.message_id for old in before]
    assert [new.message for new in after] == [old.message for old in before]


async def test_deliveries_of_a_lost_connection_cannot_be_settled_but_their_successors_can(
    bus: Bus, transport: Transport
) -> None:
    collected = await collect(bus)
    await submit(bus, "a", "b", "c")
    lost = await collected.wait_for(3)

    await transport.drop_connections()
    successors = (await collected.wait_for(6))[3:]

    for settle in (lost[0].ack, lost[1].nack, lost[2].reject):
        with pytest.raises(DeliveryLostError):
            await settle()
    for successor in successors:
        await successor.ack()
    await collected.stays_at(6)
    await until_ready(bus, 0)


async def test_what_nobody_had_taken_is_not_marked_redelivered(
    bus: Bus, transport: Transport
) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "taken", "waiting")
    await collected.wait_for(1)

    await transport.drop_connections()

    await (await collected.wait_for(2))[1].ack()
    _, taken, waiting = await collected.wait_for(3)
    assert bodies([taken, waiting]) == ["taken", "waiting"]
    assert taken.redelivered
    assert not waiting.redelivered


async def test_a_returned_message_waits_behind_more_urgent_ones(
    bus: Bus, transport: Transport
) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "low", "later low", priority=1)
    await collected.wait_for(1)
    await submit(bus, "urgent", priority=9)

    await transport.drop_connections()

    for number in (1, 2):
        await (await collected.wait_for(number + 1))[number].ack()
    assert bodies((await collected.wait_for(4))[1:]) == ["urgent", "low", "later low"]


async def test_every_subscription_of_a_lost_connection_goes_on(
    bus: Bus, transport: Transport
) -> None:
    alpha = await collect(bus, LANE_QUEUE)
    beta = await collect(bus, OTHER_LANE_QUEUE)

    for loss in range(1, 3):
        await transport.drop_connections()
        await submit(bus, f"alpha {loss}")
        await submit(bus, f"beta {loss}", lane=OTHER_LANE)
        await (await alpha.wait_for(loss))[-1].ack()
        await (await beta.wait_for(loss))[-1].ack()

    assert bodies(alpha.deliveries) == ["alpha 1", "alpha 2"]
    assert bodies(beta.deliveries) == ["beta 1", "beta 2"]


async def test_closing_a_bus_returns_what_it_had_not_settled(
    bus: Bus, transport: Transport
) -> None:
    async with transport.new_bus() as closed:
        before = Collected()
        await closed.consume(LANE_QUEUE, 2, before)
        await submit(bus, "a", "b", "c")
        taken = await before.wait_for(2)

    after = await (await collect(bus)).wait_for(3)

    assert bodies(after) == ["a", "b", "c"]
    assert [delivery.redelivered for delivery in after] == [True, True, False]
    assert [new.message_id for new in after[:2]] == [old.message_id for old in taken]
