"""A parked message wholly, as plain values."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from llmbus.ops.parking.message import ParkedMessage
from llmbus.shared.bus.interface import Delivery
from llmbus.shared.codec import MSGPACK

__all__ = ["readable_body", "record"]


def record(parked: ParkedMessage, delivery: Delivery) -> dict[str, Any]:
    """All that another program needs to publish it again, fit for JSON. The body is text where it
    is text, else base64."""
    message = delivery.message
    values: dict[str, Any] = {
        "message_id": parked.message_id,
        "task_id": message.correlation_id,
        "routing_key": delivery.routing_key,
        "type": message.type,
        "priority": message.priority,
        "content_type": message.content_type,
        "reply_to": message.reply_to,
        "timestamp": message.timestamp.isoformat() if message.timestamp else None,
        "headers": dict(message.headers),
    }
    try:
        return values | {"body": message.body.decode()}
    except UnicodeDecodeError:
        return values | {"body_base64": base64.b64encode(message.body).decode()}


def readable_body(body: bytes, content_type: str) -> str:
    """Indented JSON where it can be read, also from MessagePack; else the text, and bytes that are
    no text as escapes."""
    try:
        plain = msgspec.msgpack.decode(body) if content_type == MSGPACK else None
        as_json = body if plain is None else msgspec.json.encode(plain)
        return msgspec.json.format(as_json, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, RecursionError):
        return body.decode(errors="backslashreplace")
