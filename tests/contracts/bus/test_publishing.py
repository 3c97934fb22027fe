"""What a publisher may rely on, and what arrives."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from llmbus.shared.bus.interface import Bus, HeaderValue, Message
from llmbus.shared.errors import ClosedError, UnroutableError
from tests.contracts.bus.traffic import (
    LANE,
    LANE_QUEUE,
    LAYOUT,
    OTHER_LANE,
    bodies,
    collect,
    message,
    ready,
    submit,
)
from tests.contracts.bus.transports import Transport

EIGHT_MIB = 8 * 1024 * 1024
TWENTY = [f"{number:02}" for number in range(20)]


async def test_a_message_is_in_its_queue_when_publish_returns(bus: Bus) -> None:
    for count in range(1, 6):
        await submit(bus, "task")
        assert await ready(bus) == count


async def test_a_message_arrives_with_all_that_was_sent(bus: Bus) -> None:
    sent = Message(
        body=b'{"any": "bytes"}\x00\xff',
        type="agent.task.v1",
        correlation_id="0b5c",
        priority=7,
        content_type="application/msgpack",
        reply_to="orchestrator-1",
        timestamp=datetime(2026, 3, 1, 12, 30, 59, tzinfo=UTC),
        headers={"llmbus-attempt": 2, "llmbus-error": "rate_limit: später"},
    )

    await bus.publish(LAYOUT.tasks, LANE, sent)

    [delivery] = await (await collect(bus)).wait_for(1)
    assert delivery.message == sent
    assert delivery.queue == LANE_QUEUE
    assert delivery.routing_key == LANE
    assert not delivery.redelivered


async def test_what_a_message_leaves_out_stays_out(bus: Bus) -> None:
    await bus.publish(LAYOUT.tasks, LANE, message())

    [delivery] = await (await collect(bus)).wait_for(1)
    assert delivery.message.reply_to is None
    assert delivery.message.timestamp is None
    assert delivery.message.headers == {}
    assert delivery.message.content_type == "application/json"


async def test_a_timestamp_arrives_in_whole_seconds(bus: Bus) -> None:
    moment = datetime(2026, 3, 1, 12, 30, 59, 750_000, tzinfo=UTC)
    await bus.publish(LAYOUT.tasks, LANE, replace(message(), timestamp=moment))

    [delivery] = await (await collect(bus)).wait_for(1)
    assert delivery.message.timestamp == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "value", ["", "text", "Ωλ 字 🙂", "x" * 5000, 0, 1, -1, 2**31, -(2**40), 2**63 - 1, -(2**63)]
)
async def test_a_header_keeps_its_type_and_value(bus: Bus, value: HeaderValue) -> None:
    await bus.publish(LAYOUT.tasks, LANE, replace(message(), headers={"key": value}))

    [delivery] = await (await collect(bus)).wait_for(1)
    received = delivery.message.headers["key"]
    assert received == value
    assert type(received) is type(value)


@pytest.mark.parametrize("size", [0, EIGHT_MIB])
async def test_a_body_of_any_allowed_size_arrives_unchanged(bus: Bus, size: int) -> None:
    body = bytes(range(256)) * (size // 256)

    await bus.publish(LAYOUT.tasks, LANE, replace(message(), body=body))

    [delivery] = await (await collect(bus)).wait_for(1)
    assert delivery.message.body == body


async def test_each_publish_of_one_message_has_a_message_id_of_its_own(bus: Bus) -> None:
    same = message()
    for _ in range(3):
        await bus.publish(LAYOUT.tasks, LANE, same)

    deliveries = await (await collect(bus)).wait_for(3)
    assert len({delivery.message_id for delivery in deliveries}) == 3
    assert {delivery.message.correlation_id for delivery in deliveries} == {same.correlation_id}


async def test_a_publish_to_an_unknown_lane_raises_unroutable(bus: Bus) -> None:
    with pytest.raises(UnroutableError, match="no-such-lane"):
        await bus.publish(LAYOUT.tasks, "no-such-lane", message())

    await submit(bus, "the next one")
    assert await ready(bus) == 1


async def test_a_publish_to_an_unknown_exchange_raises_unroutable(bus: Bus) -> None:
    with pytest.raises(UnroutableError, match="no-such-exchange"):
        await bus.publish("no-such-exchange", LANE, message())

    await submit(bus, "the next one")
    assert await ready(bus) == 1


async def test_a_message_to_an_unknown_lane_does_not_disturb_others_of_the_same_moment(
    bus: Bus,
) -> None:
    collected = await collect(bus)

    ends = await publish_together_with_an_unroutable_one(bus, LAYOUT.tasks, "no-such-lane")

    assert [type(end) for end in ends if end is not None] == [UnroutableError]
    await collected.wait_for(len(TWENTY))
    assert sorted(bodies(collected.deliveries)) == TWENTY
    assert not any(delivery.redelivered for delivery in collected.deliveries)
    await collected.stays_at(len(TWENTY))


async def test_a_message_to_an_unknown_exchange_makes_no_other_of_the_same_moment_fail(
    bus: Bus,
) -> None:
    collected = await collect(bus)

    ends = await publish_together_with_an_unroutable_one(bus, "no-such-exchange", LANE)

    assert [type(end) for end in ends if end is not None] == [UnroutableError]
    # A broker that closes the channel over it leaves the others unconfirmed; they are repeated.
    await collected.wait_for_each([body.encode() for body in TWENTY])
    assert not any(delivery.redelivered for delivery in collected.deliveries)


async def publish_together_with_an_unroutable_one(
    bus: Bus, exchange: str, routing_key: str
) -> list[BaseException | None]:
    return await asyncio.gather(
        submit(bus, *TWENTY[:7]),
        bus.publish(exchange, routing_key, message("unroutable")),
        *(bus.publish(LAYOUT.tasks, LANE, message(body)) for body in TWENTY[7:]),
        return_exceptions=True,
    )


async def test_an_unroutable_publish_does_not_disturb_what_is_being_worked_on(bus: Bus) -> None:
    await submit(bus, "in work")
    [delivery] = await (await collect(bus)).wait_for(1)

    with pytest.raises(UnroutableError):
        await bus.publish("no-such-exchange", LANE, message())

    await delivery.ack()


async def test_whatever_is_published_while_connections_are_lost_arrives(
    bus: Bus, transport: Transport
) -> None:
    expected = [f"{number:02}" for number in range(60)]
    collected = await collect(bus)

    await asyncio.gather(
        transport.drop_connections(),
        submit(bus, *expected[:30]),
        *(bus.publish(LAYOUT.tasks, LANE, message(body)) for body in expected[30:]),
    )

    await collected.wait_for_each([body.encode() for body in expected])


async def test_a_route_that_is_bound_later_works_from_then_on(bus: Bus) -> None:
    with pytest.raises(UnroutableError):
        await submit(bus, "too early", lane="late")

    await bus.declare(LAYOUT.for_tasks(["late"]))

    await submit(bus, "in time", lane="late")
    assert await ready(bus, LAYOUT.lane_queue("late")) == 1


async def test_a_closed_bus_refuses_to_be_used(bus: Bus, transport: Transport) -> None:
    async with transport.new_bus() as closed:
        pass

    with pytest.raises(ClosedError):
        await submit(closed, "too late")
    with pytest.raises(ClosedError):
        await collect(closed)
    with pytest.raises(ClosedError):
        await closed.depths([LANE_QUEUE])
    with pytest.raises(ClosedError):
        await closed.declare(LAYOUT.for_tasks([OTHER_LANE]))
    assert await ready(bus) == 0


async def test_a_bus_that_was_never_opened_refuses_to_be_used(transport: Transport) -> None:
    with pytest.raises(ClosedError):
        await submit(transport.new_bus(), "too early")
