"""How many messages a consumer is given, which one, and until when."""

import pytest

from llmbus.shared.bus.interface import Bus, Delivery
from tests.contracts.bus.traffic import (
    LANE,
    LANE_QUEUE,
    OTHER_LANE,
    OTHER_LANE_QUEUE,
    bodies,
    collect,
    ready,
    submit,
    until_ready,
)
from tests.contracts.bus.transports import Transport
from tests.support.waiting import Collected


@pytest.mark.parametrize("prefetch", [1, 3])
async def test_a_consumer_holds_as_many_as_its_prefetch_and_gets_one_more_per_settlement(
    bus: Bus, prefetch: int
) -> None:
    await submit(bus, *(f"{number}" for number in range(8)))
    collected = await collect(bus, prefetch=prefetch)

    await collected.wait_for(prefetch)
    await collected.stays_at(prefetch)
    assert await ready(bus) == 8 - prefetch

    await collected.deliveries[0].ack()
    await collected.wait_for(prefetch + 1)
    await collected.deliveries[1].reject()
    await collected.wait_for(prefetch + 2)
    await collected.stays_at(prefetch + 2)


async def test_each_subscription_of_a_bus_has_a_prefetch_of_its_own(bus: Bus) -> None:
    alpha = await collect(bus, LANE_QUEUE, prefetch=1)
    beta = await collect(bus, OTHER_LANE_QUEUE, prefetch=2)

    await submit(bus, "a", "b", "c", lane=LANE)
    await submit(bus, "x", "y", "z", lane=OTHER_LANE)

    assert bodies(await alpha.wait_for(1)) == ["a"]
    assert bodies(await beta.wait_for(2)) == ["x", "y"]
    await alpha.stays_at(1)
    await beta.stays_at(2)


async def test_consumers_on_one_queue_take_turns_and_share_no_message(
    bus: Bus, second_bus: Bus
) -> None:
    one = await collect(bus)
    two = await collect(second_bus)

    await submit(bus, *(f"{number}" for number in range(10)))

    await one.wait_for(5)
    await two.wait_for(5)
    assert sorted(bodies(one.deliveries + two.deliveries)) == [f"{n}" for n in range(10)]


async def test_a_full_consumer_leaves_the_rest_to_the_others(bus: Bus, second_bus: Bus) -> None:
    full = await collect(bus, prefetch=1)
    free = await collect(second_bus)

    await submit(bus, *(f"{number}" for number in range(10)))

    await free.wait_for(9)
    await full.stays_at(1)


async def test_one_bus_consumes_what_another_publishes(bus: Bus, second_bus: Bus) -> None:
    collected = await collect(second_bus)

    await submit(bus, "from the first")
    await submit(second_bus, "from itself")

    assert bodies(await collected.wait_for(2)) == ["from the first", "from itself"]


async def test_a_cancelled_subscription_gets_nothing_more_and_settles_what_it_has(
    bus: Bus,
) -> None:
    collected = Collected()
    subscription = await bus.consume(LANE_QUEUE, 1, collected)
    await submit(bus, "taken", "waiting")
    [taken] = await collected.wait_for(1)

    await subscription.cancel()
    await taken.ack()
    await submit(bus, "later")

    await collected.stays_at(1)
    successor = await collect(bus)
    assert bodies(await successor.wait_for(2)) == ["waiting", "later"]


async def test_a_message_nacked_after_the_cancellation_goes_to_another_consumer(
    bus: Bus, second_bus: Bus
) -> None:
    collected = Collected()
    subscription = await bus.consume(LANE_QUEUE, 1, collected)
    await submit(bus, "taken")
    [taken] = await collected.wait_for(1)
    await subscription.cancel()
    other = await collect(second_bus)

    await taken.nack()

    [again] = await other.wait_for(1)
    assert again.message_id == taken.message_id
    assert again.redelivered


async def test_a_lost_connection_does_not_revive_a_cancelled_subscription(
    bus: Bus, transport: Transport
) -> None:
    cancelled = Collected()
    subscription = await bus.consume(LANE_QUEUE, 1, cancelled)
    await submit(bus, "taken")
    await cancelled.wait_for(1)
    await subscription.cancel()
    other = await collect(bus, OTHER_LANE_QUEUE)

    await transport.drop_connections()

    await submit(bus, "the connection is back", lane=OTHER_LANE)
    await other.wait_for(1)
    await until_ready(bus, 1)
    await cancelled.stays_at(1)


async def test_a_message_whose_callback_failed_comes_again_and_holds_up_no_other(bus: Bus) -> None:
    collected = Collected()
    failed: list[str] = []

    def fail_at_first(delivery: Delivery) -> None:
        if not failed:
            failed.append(delivery.message_id)
            raise LookupError("a defect in the consumer")
        collected(delivery)

    await bus.consume(LANE_QUEUE, 2, fail_at_first)
    await submit(bus, "unlucky", "lucky")

    lucky, unlucky = await collected.wait_for(2)
    assert bodies([lucky, unlucky]) == ["lucky", "unlucky"]
    assert unlucky.redelivered
    assert [unlucky.message_id] == failed
