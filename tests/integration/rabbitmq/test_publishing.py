"""Publishing: what the broker refuses, and what one publish does to others."""

from __future__ import annotations

import asyncio

import pytest

from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.errors import (
    BrokerUnreachableError,
    ClosedError,
    ConfigurationError,
    InvalidInputError,
    PublishRefusedError,
    PublishUnknownError,
    UnroutableError,
)
from llmbus.shared.settings import BusSettings
from llmbus.shared.topology import Layout
from tests.integration.rabbitmq.administration import Administration
from tests.integration.rabbitmq.proxy import Proxy
from tests.support.waiting import Collected, eventually

LAYOUT = Layout()
LANE = LAYOUT.lane_queue("a")
MANY = 200


def message(text: str) -> Message:
    return Message(text.encode(), "agent.task.v1", text, 4)


async def test_of_many_concurrent_publishes_only_the_unroutable_ones_fail(
    bus: RabbitmqBus,
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    lanes = ["nowhere" if number % 50 == 7 else "a" for number in range(MANY)]

    outcomes = await asyncio.gather(
        *(bus.publish(LAYOUT.tasks, lane, message("same")) for lane in lanes),
        return_exceptions=True,
    )

    failed = [number for number, outcome in enumerate(outcomes) if outcome is not None]
    assert failed == [number for number, lane in enumerate(lanes) if lane == "nowhere"]
    assert all(isinstance(outcomes[number], UnroutableError) for number in failed)
    depth = (await bus.depths([LANE]))[LANE]
    assert depth is not None
    assert depth.ready == MANY - len(failed)


async def test_a_missing_exchange_fails_nobody_else_although_it_closes_the_channel(
    bus: RabbitmqBus,
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    exchanges = ["nowhere" if number % 50 == 7 else LAYOUT.tasks for number in range(MANY)]

    outcomes = await asyncio.gather(
        *(bus.publish(name, "a", message(str(number))) for number, name in enumerate(exchanges)),
        return_exceptions=True,
    )

    for exchange, outcome in zip(exchanges, outcomes, strict=True):
        if exchange == "nowhere":
            assert isinstance(outcome, UnroutableError)
        else:
            assert outcome is None
    collected = Collected()
    await bus.consume(LANE, 2 * MANY, collected)
    arrived = await collected.wait_for(MANY - 4)
    assert len({delivery.message.correlation_id for delivery in arrived}) <= MANY - 4


async def test_a_full_queue_refuses(bus: RabbitmqBus, administration: Administration) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    await administration.set_policy("tasks", {"max-length": 1, "overflow": "reject-publish"})

    async def is_refused() -> bool:
        try:
            await bus.publish(LAYOUT.tasks, "a", message("x"))
        except PublishRefusedError as error:
            return LAYOUT.tasks in str(error)
        return False

    await eventually(is_refused, "the policy is in force and the queue full")


async def test_without_the_right_to_publish_the_user_is_told(
    bus: RabbitmqBus, administration: Administration
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    await administration.permit(configure=".*", write="^$", read=".*")
    with pytest.raises(ConfigurationError, match="may not publish"):
        await bus.publish(LAYOUT.tasks, "a", message("x"))


@pytest.mark.parametrize(
    "unfit",
    [
        Message(b"x", "agent.task.v1", "i" * 300, 4),
        Message(b"x", "agent.task.v1", "id", 4, headers={"n": 2**80}),
    ],
)
async def test_what_does_not_fit_into_amqp_is_invalid_and_disturbs_nothing(
    bus: RabbitmqBus, unfit: Message
) -> None:
    await bus.declare(LAYOUT.for_tasks(["a"]))
    outcomes = await asyncio.gather(
        bus.publish(LAYOUT.tasks, "a", message("before")),
        bus.publish(LAYOUT.tasks, "a", unfit),
        bus.publish(LAYOUT.tasks, "a", message("after")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), InvalidInputError, type(None)]


async def test_without_any_connection_the_broker_is_unreachable(
    proxied: BusSettings, proxy: Proxy
) -> None:
    async with RabbitmqBus(proxied) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await proxy.refuse()
        with pytest.raises(BrokerUnreachableError, match=r"tried for 1\.5 s"):
            await bus.publish(LAYOUT.tasks, "a", message("x"))


async def test_without_an_answer_the_outcome_is_unknown_and_the_message_may_arrive(
    proxied: BusSettings, proxy: Proxy
) -> None:
    async with RabbitmqBus(proxied) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.publish(LAYOUT.tasks, "a", message("first"))
        proxy.freeze()
        with pytest.raises(PublishUnknownError, match="may or may not be queued"):
            await bus.publish(LAYOUT.tasks, "a", message("second"))
        proxy.thaw()
        collected = Collected()
        await bus.consume(LANE, 9, collected)
        arrived = await collected.wait_for(2)
        assert [each.message.correlation_id for each in arrived] == ["first", "second"]


async def test_a_publish_outlasts_an_outage(proxied: BusSettings, proxy: Proxy) -> None:
    settings = proxied.model_copy(update={"publish_timeout_seconds": 20.0})
    async with RabbitmqBus(settings) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.publish(LAYOUT.tasks, "a", message("before"))
        proxy.freeze()
        in_flight = asyncio.create_task(bus.publish(LAYOUT.tasks, "a", message("during")))
        await asyncio.wait({in_flight}, timeout=0.2)
        await proxy.refuse()
        proxy.thaw()
        later = asyncio.create_task(bus.publish(LAYOUT.tasks, "a", message("after")))
        await proxy.listen()
        await asyncio.gather(in_flight, later)
        collected = Collected()
        await bus.consume(LANE, 9, collected)
        assert {each.message.correlation_id for each in await collected.wait_for(3)} == {
            "before",
            "during",
            "after",
        }


async def test_a_cancelled_publish_is_cancelled_and_the_next_one_works(
    proxied: BusSettings, proxy: Proxy
) -> None:
    async with RabbitmqBus(proxied) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await bus.publish(LAYOUT.tasks, "a", message("first"))
        proxy.freeze()
        publishing = asyncio.create_task(bus.publish(LAYOUT.tasks, "a", message("second")))
        await asyncio.wait({publishing}, timeout=0.2)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        proxy.thaw()
        await bus.publish(LAYOUT.tasks, "a", message("third"))


async def test_closing_the_bus_ends_a_publish_that_waits_for_a_connection(
    proxied: BusSettings, proxy: Proxy
) -> None:
    settings = proxied.model_copy(update={"publish_timeout_seconds": 60.0})
    async with RabbitmqBus(settings) as bus:
        await bus.declare(LAYOUT.for_tasks(["a"]))
        await proxy.refuse()
        waiting = asyncio.create_task(bus.publish(LAYOUT.tasks, "a", message("x")))
        await asyncio.wait({waiting}, timeout=0.2)
    with pytest.raises(ClosedError):
        await waiting
