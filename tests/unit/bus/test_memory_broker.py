"""What the broker in memory has beyond the contract: faults on purpose, time, cleanliness."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from llmbus.shared.bus.interface import Bus, Delivery, Message
from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.errors import BrokerUnreachableError, ClosedError
from llmbus.shared.topology import Binding, Exchange, ExchangeKind, Layout, Queue, Topology
from tests.support.virtual_time import run_in_virtual_time
from tests.support.waiting import Collected

LAYOUT = Layout()
LANE_QUEUE = LAYOUT.lane_queue("alpha")
TOPOLOGY = LAYOUT.for_tasks(["alpha"])
HOUR = timedelta(hours=1)


def task(body: str = "task", priority: int = 4) -> Message:
    return Message(
        body.encode(), "agent.task.v1", correlation_id=f"id-of-{body}", priority=priority
    )


async def ready(bus: Bus, queue: str) -> int:
    depth = (await bus.depths([queue]))[queue]
    assert depth is not None
    return depth.ready


def timers_of_this_loop() -> list[asyncio.TimerHandle]:
    scheduled = cast("Any", asyncio.get_running_loop())._scheduled
    return [timer for timer in scheduled if not timer.cancelled()]


async def test_a_publish_to_a_paused_broker_waits_until_it_is_back() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY)
        broker.pause()
        publishing = asyncio.create_task(bus.publish(LAYOUT.tasks, "alpha", task()))
        await asyncio.sleep(0.01)
        assert not publishing.done()

        broker.resume()

        await publishing
        assert await ready(bus, LANE_QUEUE) == 1


async def test_a_publish_fails_when_the_broker_is_paused_for_longer_than_the_timeout() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker, publish_timeout=timedelta(milliseconds=20)) as bus:
        await bus.declare(TOPOLOGY)
        broker.pause()

        with pytest.raises(BrokerUnreachableError):
            await bus.publish(LAYOUT.tasks, "alpha", task())

        broker.resume()
        assert await ready(bus, LANE_QUEUE) == 0


async def test_a_publish_that_waits_for_a_paused_broker_ends_when_its_bus_was_closed() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY)
        broker.pause()
        publishing = asyncio.create_task(bus.publish(LAYOUT.tasks, "alpha", task()))
        await asyncio.sleep(0.01)
    broker.resume()

    with pytest.raises(ClosedError):
        await publishing


async def test_a_paused_broker_cannot_be_reached() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY)
        broker.pause()

        with pytest.raises(BrokerUnreachableError):
            await bus.declare(TOPOLOGY)
        with pytest.raises(BrokerUnreachableError):
            await bus.consume(LANE_QUEUE, 1, Collected())
        with pytest.raises(BrokerUnreachableError):
            await bus.depths([LANE_QUEUE])
        with pytest.raises(BrokerUnreachableError):
            await MemoryBus(broker).__aenter__()


async def test_deliveries_of_a_paused_broker_come_again_after_it() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY)
        collected = Collected()
        await bus.consume(LANE_QUEUE, 1, collected)
        await bus.publish(LAYOUT.tasks, "alpha", task())
        [before] = await collected.wait_for(1)

        broker.pause()
        await collected.stays_at(1, seconds=0.02)
        broker.resume()

        _, after = await collected.wait_for(2)
        assert after.redelivered
        assert after.message_id == before.message_id


async def test_no_consumer_is_called_from_inside_publish_or_a_settlement() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        await bus.declare(TOPOLOGY)
        inside = False
        collected = Collected()

        def on_delivery(delivery: Delivery) -> None:
            assert not inside
            collected(delivery)

        await bus.consume(LANE_QUEUE, 1, on_delivery)
        for body in ("a", "b"):
            await bus.publish(LAYOUT.tasks, "alpha", task(body))
        [first] = await collected.wait_for(1)

        inside = True
        nack = first.nack()
        with pytest.raises(StopIteration):  # it ends without a turn of the loop
            nack.send(None)
        inside = False

        assert len(await collected.wait_for(2)) == 2


async def test_the_sender_cannot_change_a_message_after_publishing_it() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        await bus.declare(TOPOLOGY)
        headers: dict[str, str | int] = {"llmbus-attempt": 1}
        await bus.publish(LAYOUT.tasks, "alpha", replace(task(), headers=headers))
        headers["llmbus-attempt"] = 99

        collected = Collected()
        await bus.consume(LANE_QUEUE, 1, collected)

        [delivery] = await collected.wait_for(1)
        assert delivery.message.headers == {"llmbus-attempt": 1}


async def test_messages_outlast_all_connections() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY)
        await bus.publish(LAYOUT.tasks, "alpha", task())

    async with MemoryBus(broker) as bus:
        assert await ready(bus, LANE_QUEUE) == 1


async def test_no_timer_is_left_when_the_last_bus_has_closed() -> None:
    broker = MemoryBroker()
    async with MemoryBus(broker) as bus:
        await bus.declare(TOPOLOGY + LAYOUT.for_results("someone"))
        await bus.publish(LAYOUT.retry(HOUR), "alpha", task())
        async with MemoryBus(broker):
            pass
        assert len(timers_of_this_loop()) == 1

    assert timers_of_this_loop() == []


def test_a_wait_of_an_hour_takes_an_hour_of_the_loops_clock() -> None:
    async def wait_for_the_retry() -> float:
        async with MemoryBus(MemoryBroker()) as bus:
            await bus.declare(TOPOLOGY)
            collected = Collected()
            await bus.consume(LANE_QUEUE, 1, collected)
            await bus.publish(LAYOUT.retry(HOUR), "alpha", task())
            await collected.wait_for(1, seconds=2 * HOUR.total_seconds())
            return asyncio.get_running_loop().time()

    assert run_in_virtual_time(wait_for_the_retry()) == pytest.approx(3600, abs=1)


def test_a_short_wait_that_begins_later_ends_in_time() -> None:
    async def wait_long_and_short() -> list[float]:
        loop = asyncio.get_running_loop()
        moments: list[float] = []
        async with MemoryBus(MemoryBroker()) as bus:
            await bus.declare(TOPOLOGY)
            await bus.consume(LANE_QUEUE, 2, lambda _: moments.append(loop.time()))
            await bus.publish(LAYOUT.retry(HOUR), "alpha", task("long"))
            await bus.publish(LAYOUT.retry(timedelta(seconds=1)), "alpha", task("short"))
            await asyncio.sleep(2 * HOUR.total_seconds())
        return moments

    assert run_in_virtual_time(wait_long_and_short()) == pytest.approx([1, 3600], abs=0.1)


def test_a_results_queue_lives_seven_days_from_the_end_of_its_last_use() -> None:
    day = timedelta(days=1).total_seconds()

    async def abandon() -> list[bool]:
        existed: list[bool] = []
        async with MemoryBus(MemoryBroker()) as bus:
            for orchestrator in ("one", "two"):
                await bus.declare(LAYOUT.for_results(orchestrator))
                queue = LAYOUT.results_queue(orchestrator)
                subscription = await bus.consume(queue, 1, Collected())
                await bus.depths([queue])
                await asyncio.sleep(30 * day)
                await subscription.cancel()
                await asyncio.sleep((6.9 if orchestrator == "one" else 7.1) * day)
                existed.append((await bus.depths([queue]))[queue] is not None)
        return existed

    assert run_in_virtual_time(abandon()) == [True, False]


def test_a_pause_does_not_count_as_disuse_of_a_queue_with_consumers() -> None:
    async def pause_for_long() -> int:
        broker = MemoryBroker()
        async with MemoryBus(broker) as bus:
            await bus.declare(LAYOUT.for_results("someone"))
            collected = Collected()
            await bus.consume(LAYOUT.results_queue("someone"), 1, collected)
            broker.pause()
            await asyncio.sleep(timedelta(days=30).total_seconds())
            broker.resume()
            await bus.publish(LAYOUT.results, "someone", task())
            return len(await collected.wait_for(1))

    assert run_in_virtual_time(pause_for_long()) == 1


def test_what_came_due_while_nobody_was_connected_is_there_for_the_next() -> None:
    async def come_back_late() -> int:
        broker = MemoryBroker()
        async with MemoryBus(broker) as bus:
            await bus.declare(TOPOLOGY)
            await bus.publish(LAYOUT.retry(HOUR), "alpha", task())
        await asyncio.sleep(2 * HOUR.total_seconds())
        async with MemoryBus(broker) as bus:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return await ready(bus, LANE_QUEUE)

    assert run_in_virtual_time(come_back_late()) == 1


def test_a_message_taken_from_a_wait_queue_keeps_its_due_time_when_returned() -> None:
    async def take_and_return() -> list[float]:
        wait_queue = Queue("wait", dead_letter_exchange="due", message_ttl=HOUR, prioritised=True)
        topology = Topology(
            (Exchange("in", ExchangeKind.FANOUT), Exchange("due", ExchangeKind.FANOUT)),
            (wait_queue, Queue("end")),
            (Binding("in", "wait"), Binding("due", "end")),
        )
        loop = asyncio.get_running_loop()
        moments: list[float] = []
        async with MemoryBus(MemoryBroker()) as bus:
            await bus.declare(topology)
            for priority in (1, 9):
                await bus.publish("in", "", task(f"{priority}", priority))
            taken = Collected()
            subscription = await bus.consume("wait", 1, taken)
            [urgent] = await taken.wait_for(1)
            await subscription.cancel()
            await bus.consume("end", 5, lambda _: moments.append(loop.time()))
            await asyncio.sleep(1.5 * HOUR.total_seconds())  # "1" comes due, "9" is held
            await urgent.nack()
            await asyncio.sleep(HOUR.total_seconds())
        return moments

    assert run_in_virtual_time(take_and_return()) == pytest.approx([3600, 5400], abs=1)


async def test_a_message_that_is_dead_lettered_into_nothing_is_dropped() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        topology = Topology(
            (Exchange("in", ExchangeKind.FANOUT),),
            (Queue("only", dead_letter_exchange="no-such-exchange"),),
            (Binding("in", "only"),),
        )
        await bus.declare(topology)
        collected = Collected()
        await bus.consume("only", 1, collected)
        await bus.publish("in", "", task())

        await (await collected.wait_for(1))[0].reject()

        assert await ready(bus, "only") == 0


async def test_exchanges_that_are_each_others_alternate_do_not_route_for_ever() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        topology = Topology(
            (
                Exchange("one", ExchangeKind.DIRECT, alternate="two"),
                Exchange("two", ExchangeKind.DIRECT, alternate="one"),
                Exchange("in", ExchangeKind.FANOUT),
            ),
            (Queue("only", dead_letter_exchange="one"),),
            (Binding("in", "only"),),
        )
        await bus.declare(topology)
        collected = Collected()
        await bus.consume("only", 1, collected)
        await bus.publish("in", "", task())

        await (await collected.wait_for(1))[0].reject()

        assert await ready(bus, "only") == 0


async def test_a_fanout_gives_each_bound_queue_a_copy_of_the_message() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        topology = Topology(
            (Exchange("all", ExchangeKind.FANOUT),),
            (Queue("one"), Queue("two")),
            (Binding("all", "one"), Binding("all", "two"), Binding("all", "two", "again")),
        )
        await bus.declare(topology)

        await bus.publish("all", "any", task())

        assert await ready(bus, "one") == 1
        assert await ready(bus, "two") == 1


async def test_a_bus_is_opened_once() -> None:
    bus = MemoryBus(MemoryBroker())
    async with bus:
        with pytest.raises(ClosedError):
            await bus.__aenter__()
    with pytest.raises(ClosedError):
        await bus.__aenter__()


async def test_a_consumer_that_may_hold_nothing_is_refused() -> None:
    async with MemoryBus(MemoryBroker()) as bus:
        await bus.declare(TOPOLOGY)

        with pytest.raises(ValueError, match="prefetch"):
            await bus.consume(LANE_QUEUE, 0, Collected())
