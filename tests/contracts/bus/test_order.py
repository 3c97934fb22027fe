"""Who comes first."""

import random

from llmbus.shared.bus.interface import Bus
from tests.contracts.bus.traffic import (
    LAYOUT,
    bodies,
    collect,
    message,
    submit,
)


async def test_messages_of_all_priorities_come_most_urgent_first_and_equals_oldest_first(
    bus: Bus,
) -> None:
    priorities = [priority for priority in range(10) for _ in range(3)]
    random.Random(7).shuffle(priorities)
    published = [(priority, f"{number:02}") for number, priority in enumerate(priorities)]
    for priority, body in published:
        await submit(bus, body, priority=priority)

    collected = await collect(bus)

    expected = sorted(published, key=lambda entry: (-entry[0], entry[1]))
    assert bodies(await collected.wait_for(30)) == [body for _, body in expected]


async def test_an_urgent_message_that_comes_later_overtakes_what_waits(bus: Bus) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "taken", "waiting", priority=1)
    [taken] = await collected.wait_for(1)

    await submit(bus, "urgent", priority=9)
    await taken.ack()

    await (await collected.wait_for(2))[1].ack()
    assert bodies(await collected.wait_for(3)) == ["taken", "urgent", "waiting"]


async def test_a_queue_without_priorities_is_first_in_first_out(bus: Bus) -> None:
    for priority in (1, 9, 4, 7):
        await bus.publish(LAYOUT.unrouted, "any", message(f"{priority}", priority))

    collected = await collect(bus, LAYOUT.parking_queue)

    assert bodies(await collected.wait_for(4)) == ["1", "9", "4", "7"]
    assert [delivery.message.priority for delivery in collected.deliveries] == [1, 9, 4, 7]
