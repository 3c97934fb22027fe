"""Topology as data: declared again, declared otherwise, abandoned, measured."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from llmbus.shared.bus.interface import Bus, QueueDepth
from llmbus.shared.errors import ConfigurationError, TopologyMismatchError, UnroutableError
from llmbus.shared.topology import Exchange, ExchangeKind, Layout, Queue, Topology
from tests.contracts.bus.traffic import (
    LANE,
    LANE_QUEUE,
    LAYOUT,
    OTHER_LANE,
    OTHER_LANE_QUEUE,
    bodies,
    collect,
    message,
    ready,
    submit,
    until_ready,
)
from tests.support.waiting import Collected

EXPIRES = timedelta(seconds=1.5)
LONG = timedelta(hours=1)
WELL_PAST_EXPIRY_SECONDS = 2.0
OFTEN_SECONDS = 0.25
RESULTS_QUEUE = LAYOUT.results_queue("short-lived")


def short_lived_results() -> Topology:
    topology = LAYOUT.for_results("short-lived")
    return replace(
        topology, queues=tuple(replace(queue, expires=EXPIRES) for queue in topology.queues)
    )


async def test_declaring_twice_changes_nothing(bus: Bus, second_bus: Bus) -> None:
    collected = await collect(bus, prefetch=1)
    await submit(bus, "taken", "kept")
    await collected.wait_for(1)

    await bus.declare(LAYOUT.for_tasks([LANE, OTHER_LANE]))
    await second_bus.declare(LAYOUT.for_tasks([OTHER_LANE, LANE]))

    assert await ready(bus) == 1
    await collected.deliveries[0].ack()
    assert bodies(await collected.wait_for(2)) == ["taken", "kept"]


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        (Queue("some"), Queue("some", prioritised=True)),
        (Queue("some", expires=LONG), Queue("some")),
        (Queue("some"), Queue("some", dead_letter_exchange=LAYOUT.dead)),
        (
            Queue("some", dead_letter_exchange=LAYOUT.due),
            Queue("some", dead_letter_exchange=LAYOUT.dead),
        ),
        (Queue("some", message_ttl=LONG), Queue("some")),
        (Queue("some", message_ttl=LONG), Queue("some", message_ttl=2 * LONG)),
    ],
    ids=["no priorities", "expires", "no dead letters", "other dead letters", "ttl", "other ttl"],
)
async def test_a_queue_that_promises_less_than_is_wanted_is_a_mismatch(
    bus: Bus, second_bus: Bus, existing: Queue, wanted: Queue
) -> None:
    await bus.declare(Topology(queues=(existing,)))

    with pytest.raises(TopologyMismatchError, match="some"):
        await second_bus.declare(Topology(queues=(wanted,)))

    await bus.declare(Topology(queues=(existing,)))


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        (Queue("some", prioritised=True), Queue("some")),
        (Queue("some"), Queue("some", expires=LONG)),
        (Queue("some", expires=2 * LONG), Queue("some", expires=LONG)),
        (Queue("some", replicable=False), Queue("some")),
    ],
    ids=["priorities", "never expires", "expires at another time", "not replicated"],
)
async def test_a_queue_that_keeps_what_is_wanted_is_adopted(
    bus: Bus, second_bus: Bus, existing: Queue, wanted: Queue
) -> None:
    await bus.declare(Topology(queues=(existing,)))

    await second_bus.declare(Topology(queues=(wanted,)))

    await bus.declare(Topology(queues=(existing,)))


async def test_an_exchange_of_another_kind_is_a_mismatch(bus: Bus) -> None:
    with pytest.raises(TopologyMismatchError, match=LAYOUT.tasks):
        await bus.declare(Topology((Exchange(LAYOUT.tasks, ExchangeKind.FANOUT),)))


async def test_a_mismatch_leaves_the_bus_and_its_deliveries_in_order(bus: Bus) -> None:
    collected = await collect(bus)
    await submit(bus, "before")
    [before] = await collected.wait_for(1)
    without_dead_letters = Queue(LANE_QUEUE, prioritised=True)

    with pytest.raises(TopologyMismatchError, match=LANE_QUEUE):
        await bus.declare(Topology(queues=(without_dead_letters,)))

    await before.ack()
    await submit(bus, "after")
    assert bodies(await collected.wait_for(2)) == ["before", "after"]


async def test_layouts_with_different_prefixes_never_meet(bus: Bus) -> None:
    other = Layout("other", LAYOUT.ladder)
    await bus.declare(other.for_tasks([LANE]))
    collected = await collect(bus)
    others = await collect(bus, other.lane_queue(LANE))

    await bus.publish(other.tasks, LANE, message("of the other"))
    await bus.publish(other.retry(other.ladder.steps[0]), LANE, message("of the other, late"))
    await submit(bus, "of this one")

    assert bodies(await others.wait_for(2)) == ["of the other", "of the other, late"]
    assert bodies(await collected.wait_for(1)) == ["of this one"]
    await collected.stays_at(1)


async def test_depths_count_what_nobody_has_taken_and_who_consumes(bus: Bus) -> None:
    assert await bus.depths([LANE_QUEUE, "llmbus.no-such-queue"]) == {
        LANE_QUEUE: QueueDepth(ready=0, consumers=0),
        "llmbus.no-such-queue": None,
    }
    await submit(bus, "a", "b", "c")
    collected = await collect(bus, prefetch=2)
    await collected.wait_for(2)

    assert await bus.depths([LANE_QUEUE, OTHER_LANE_QUEUE]) == {
        LANE_QUEUE: QueueDepth(ready=1, consumers=1),
        OTHER_LANE_QUEUE: QueueDepth(ready=0, consumers=0),
    }

    await collected.deliveries[0].nack()
    await collected.deliveries[1].ack()
    await collected.wait_for(4)
    assert await ready(bus) == 0


async def test_a_queue_that_expires_goes_when_its_last_consumer_has_gone(bus: Bus) -> None:
    await bus.declare(short_lived_results())
    collected = Collected()
    subscription = await bus.consume(RESULTS_QUEUE, 1, collected)
    assert await ready(bus, RESULTS_QUEUE) == 0
    await asyncio.sleep(WELL_PAST_EXPIRY_SECONDS)  # to prove that it does not expire in use
    await bus.publish(LAYOUT.results, "short-lived", message("result"))
    await (await collected.wait_for(1))[0].ack()

    await subscription.cancel()

    await until_expired(bus)
    with pytest.raises(UnroutableError):
        await bus.publish(LAYOUT.results, "short-lived", message("too late"))


async def test_an_expired_queue_takes_its_messages_along_and_can_be_declared_anew(
    bus: Bus,
) -> None:
    await bus.declare(short_lived_results())
    await bus.publish(LAYOUT.results, "short-lived", message("abandoned"))

    await until_expired(bus)

    await bus.declare(LAYOUT.for_results("short-lived"))  # no mismatch: the old one is gone
    assert await ready(bus, RESULTS_QUEUE) == 0
    await bus.publish(LAYOUT.results, "short-lived", message("new"))
    await until_ready(bus, 1, RESULTS_QUEUE)


async def test_asking_for_its_depth_and_declaring_it_put_off_the_end_of_a_queue(bus: Bus) -> None:
    """So whoever watches depths keeps abandoned queues alive."""
    await bus.declare(short_lived_results())
    await bus.publish(LAYOUT.results, "short-lived", message("kept"))

    for _ in range(9):
        await asyncio.sleep(OFTEN_SECONDS)
        assert await ready(bus, RESULTS_QUEUE) == 1
    for _ in range(9):
        await asyncio.sleep(OFTEN_SECONDS)
        await bus.declare(short_lived_results())
    assert await ready(bus, RESULTS_QUEUE) == 1


async def until_expired(bus: Bus) -> None:
    """Asking for a queue's depth is use and puts off its end, so ask seldom."""
    for _ in range(5):
        await asyncio.sleep(WELL_PAST_EXPIRY_SECONDS)
        if (await bus.depths([RESULTS_QUEUE]))[RESULTS_QUEUE] is None:
            return
    pytest.fail(f"{RESULTS_QUEUE} has not expired")


async def test_consuming_from_a_queue_that_does_not_exist_is_an_error(bus: Bus) -> None:
    with pytest.raises(ConfigurationError, match="no-such-queue"):
        await collect(bus, "llmbus.no-such-queue")

    await submit(bus, "task")
    await (await collect(bus)).wait_for(1)
