"""Messages that no well-behaved producer sends; another program puts them into the lane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import aio_pika
import msgspec

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from tests.faults.environment import LANE, ORCHESTRATOR_NAME
from tests.faults.fault import Fault
from tests.faults.gates import digest_of
from tests.faults.history import Fact
from tests.faults.watched_provider import mark
from tests.faults.world import World

__all__ = ["MESSAGE_FAULTS", "UNREADABLE", "raw_body", "send_raw"]

UNREADABLE: Final = frozenset({"malformed", "unknown-schema"})
"""Those that nobody can run: they must be parked, and never paid for."""
_LONG_AGO: Final = timedelta(hours=1)


def raw_body(task_id: str, **fields: Any) -> bytes:
    """A task that can be run, but for the fields that are given."""
    values: dict[str, Any] = {
        "task_id": task_id,
        "title": "From another program",
        "description": mark(task_id),
        "agent": "gpt-4",
    }
    return msgspec.json.encode(values | fields)


def _bodies(kind: str, task_id: str) -> Sequence[bytes]:
    match kind:
        case "malformed":
            return [b'{"task_id": "raw", ']
        case "unknown-schema":
            return [raw_body(task_id, schema_version=99)]
        case "expired":
            return [raw_body(task_id, deadline=datetime.now(UTC) - _LONG_AGO)]
        case "duplicate":
            return [raw_body(task_id)] * 2
        case "duplicate-that-differs":
            return [raw_body(task_id), raw_body(task_id, title="Something else")]
        case _:
            return [raw_body(task_id)]


async def send_raw(world: World, task_id: str, kind: str, bodies: Sequence[bytes]) -> None:
    """As another program would, that knows no more than the contract."""
    async with RabbitmqBus(world.settings, name="faults") as bus:
        await bus.declare(world.settings.layout.for_results(ORCHESTRATOR_NAME))
    connection = await aio_pika.connect(world.settings.amqp_url.get_secret_value())
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(world.settings.layout.tasks)
        for body in bodies:
            world.history.record(Fact.SENT_RAW, task=task_id, digest=digest_of(body), note=kind)
            message = aio_pika.Message(
                body,
                content_type="application/json",
                type="agent.task.v1",
                correlation_id=task_id,
                message_id=uuid4().hex,
                reply_to=ORCHESTRATOR_NAME,
                priority=None if kind == "no-priority" else 4,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await exchange.publish(message, LANE)


def _fault(kind: str, words: str) -> Fault:
    async def prepare(world: World) -> None:
        task_id = f"raw-{kind}"
        await send_raw(world, task_id, kind, _bodies(kind, task_id))

    return Fault(f"message-{kind}", words, prepare=prepare)


MESSAGE_FAULTS: Final = (
    _fault("malformed", "a body that is no JSON"),
    _fault("unknown-schema", "a schema version from the future"),
    _fault("expired", "a deadline that has passed"),
    _fault("duplicate", "the same task twice, by two publishes"),
    _fault("duplicate-that-differs", "one task id with two different bodies"),
    _fault("no-priority", "no priority is set"),
)
