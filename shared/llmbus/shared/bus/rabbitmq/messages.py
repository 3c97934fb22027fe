"""Messages as AMQP properties, and back."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable

from llmbus.shared.bus.interface import HeaderValue, Message

__all__ = ["message_of", "properties_of"]

_PERSISTENT: Final = 2


def properties_of(message: Message, app_id: str) -> Basic.Properties:
    """For one publish. The message id is fresh: aiormq finds the message that a broker returned
    by its id, so two with the same id in flight would get each other's outcome."""
    headers: FieldTable = dict(message.headers)
    return Basic.Properties(
        content_type=message.content_type,
        headers=headers or None,
        delivery_mode=_PERSISTENT,
        priority=message.priority,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        message_id=uuid4().hex,
        timestamp=message.timestamp,
        message_type=message.type,
        app_id=app_id,
    )


def message_of(delivered: DeliveredMessage) -> Message:
    """What was published. A message that somebody else wrote may lack anything but a body.

    Headers that begin with `x-` are the broker's notes about its own handling. They are left
    out, because a copy of the message must not carry them: 3.10 would go on counting in them.
    """
    properties = delivered.header.properties
    return Message(
        body=delivered.body,
        type=properties.message_type or "",
        correlation_id=properties.correlation_id or "",
        priority=properties.priority or 0,
        content_type=properties.content_type or "application/json",
        reply_to=properties.reply_to,
        timestamp=properties.timestamp,
        headers=_own_headers(properties.headers),
        dead_letter_reason=_dead_letter_reason(properties.headers),
    )


def _dead_letter_reason(headers: FieldTable | None) -> str | None:
    """That of the latest move: every supported version notes the moves in `x-death`, newest
    first."""
    moves = (headers or {}).get("x-death")
    latest = moves[0] if isinstance(moves, list) and moves else None
    reason = latest.get("reason") if isinstance(latest, dict) else None
    return reason if isinstance(reason, str) else None


def _own_headers(headers: FieldTable | None) -> dict[str, HeaderValue]:
    if not headers:
        return {}
    return {
        name: value
        for name, value in headers.items()
        if isinstance(value, (str, int)) and not name.startswith("x-")
    }
