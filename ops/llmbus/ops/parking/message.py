"""What an operator wants to know of a parked message. Nothing in one is trusted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from llmbus.shared.bus.interface import UNNAMED, Delivery, Message
from llmbus.shared.codec import decode_result, decode_task
from llmbus.shared.envelope import TASK_TYPE, requested_agent_of
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.parking import redrives_of, stay_of
from llmbus.shared.result_envelope import RESULT_TYPE

__all__ = ["Kind", "ParkedMessage", "described"]


class Kind(StrEnum):
    """What a parked message is, as far as this llmbus can read it."""

    TASK = "task"
    RESULT = "result"
    UNREADABLE = "unreadable"


class ParkedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message in parking, without its body."""

    message_id: str
    """The same for as long as the message stands in parking."""
    task_id: str
    kind: Kind
    reason: str
    parked_at: datetime | None
    """None if nobody noted it."""
    age_seconds: float | None
    agent: str | None
    """The name by which it was asked, or that answered."""
    agent_type: str | None
    """Of tasks only: that of the requested agent, else the lane."""
    routing_key: str
    """The lane of a task, the orchestrator of a result."""
    priority: int
    attempts: int
    redrives: int
    origin: str
    size_bytes: int


def described(delivery: Delivery, now: datetime) -> ParkedMessage:
    """The message of this delivery, as it stands at that moment."""
    message = delivery.message
    stay = stay_of(message)
    kind, agent = _read(message)
    return ParkedMessage(
        message_id=_stable_id(delivery),
        task_id=message.correlation_id,
        kind=kind,
        reason=stay.reason,
        parked_at=stay.parked_at,
        age_seconds=max(0.0, (now - stay.parked_at).total_seconds()) if stay.parked_at else None,
        agent=agent,
        agent_type=_agent_type(delivery),
        routing_key=delivery.routing_key,
        priority=message.priority,
        attempts=stay.attempts,
        redrives=redrives_of(message),
        origin=stay.origin,
        size_bytes=len(message.body),
    )


def _read(message: Message) -> tuple[Kind, str | None]:
    try:
        if message.type == TASK_TYPE:
            return Kind.TASK, decode_task(message.body, message.content_type).agent
        if message.type == RESULT_TYPE:
            return Kind.RESULT, decode_result(message.body, message.content_type).agent
    except InvalidInputError:
        pass
    return Kind.UNREADABLE, None


def _agent_type(delivery: Delivery) -> str | None:
    if delivery.message.type != TASK_TYPE:
        return None
    agent = requested_agent_of(delivery.message)
    return agent.agent_type.value if agent else delivery.routing_key or None


def _stable_id(delivery: Delivery) -> str:
    """What a program published without an id has another one at each hand-over; its content
    stays."""
    if not delivery.message_id.startswith(UNNAMED):
        return delivery.message_id
    message = delivery.message
    content = b"\0".join((message.correlation_id.encode(), message.type.encode(), message.body))
    return f"{UNNAMED}{sha256(content).hexdigest()[:24]}"
