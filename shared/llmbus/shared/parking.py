"""Parking: what nobody can deal with is kept with its reason, and can be sent back.

A parked message keeps body, priority, ids and routing key (the lane of a task, the orchestrator of
a result); a redrive sends it where it came from, with the story of its stays in parking.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import (
    ATTEMPT,
    FAILURE,
    REDRIVES,
    RESULT_TYPE,
    attempt_of,
    own_headers,
)
from llmbus.shared.result import Failure
from llmbus.shared.topology import Layout

__all__ = ["Stay", "exchange_for", "history_of", "parked_copy", "redriven_copy", "stay_of"]

REASON: Final = "llmbus-reason"
"""Why the message stands in parking."""
ORIGIN: Final = "llmbus-origin"
"""The queue from which it was taken."""
STDERR: Final = "llmbus-stderr"
"""The end of what the fallback's script said, without secrets."""
HISTORY: Final = "llmbus-history"
"""Its earlier stays in parking, oldest first, as a JSON list."""


class Stay(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why and since when a message stands, or stood, in parking."""

    reason: str
    origin: str = ""
    """The queue it was taken from; empty if the broker itself found no route for it."""
    parked_at: datetime | None = None
    attempts: int = 0
    """How many runs were started before."""
    failure: Failure | None = None
    stderr: str = ""


_HISTORY_DECODER: Final = msgspec.json.Decoder(list[Stay])
_FAILURE_DECODER: Final = msgspec.json.Decoder(Failure)


def parked_copy(
    message: Message,
    *,
    reason: str,
    origin: str,
    now: datetime,
    failure: Failure | None = None,
    stderr: str = "",
) -> Message:
    """The message as it came, with the reason why nobody could deal with it."""
    headers = own_headers(message.headers)
    headers.update({REASON: reason, ORIGIN: origin})
    if failure is not None:
        headers[FAILURE] = msgspec.json.encode(failure).decode()
    if stderr:
        headers[STDERR] = stderr
    return replace(message, headers=headers, timestamp=now)


def stay_of(message: Message) -> Stay:
    """Why this message stands in parking. Nothing in it is trusted to be readable."""
    reason = message.headers.get(REASON)
    origin = message.headers.get(ORIGIN)
    stderr = message.headers.get(STDERR)
    return Stay(
        reason=reason if isinstance(reason, str) else "no queue was bound for its route",
        origin=origin if isinstance(origin, str) else "",
        parked_at=message.timestamp,
        attempts=attempt_of(message),
        failure=_failure_of(message),
        stderr=stderr if isinstance(stderr, str) else "",
    )


def history_of(message: Message) -> list[Stay]:
    """Its earlier stays in parking, oldest first."""
    header = message.headers.get(HISTORY)
    try:
        return _HISTORY_DECODER.decode(header) if isinstance(header, str) else []
    except msgspec.DecodeError:
        return []


def exchange_for(message: Message, layout: Layout) -> str:
    """Where a redrive publishes: under the routing key with which the message was parked."""
    if message.type == RESULT_TYPE:
        return layout.results
    from_fallback = message.headers.get(ORIGIN) == layout.fallback_queue
    return layout.dead if from_fallback else layout.tasks


def redriven_copy(message: Message, *, now: datetime) -> Message:
    """The message for a fresh start: its attempts count from 1, its story is kept. The copies that
    repeats of one redrive make are one submission, so a worker runs only one of them."""
    headers = own_headers(message.headers)
    story = [*history_of(message), stay_of(message)]
    for name in (REASON, ORIGIN, STDERR, FAILURE):
        headers.pop(name, None)
    redrives = headers.get(REDRIVES)
    headers[REDRIVES] = (redrives if isinstance(redrives, int) else 0) + 1
    headers[HISTORY] = msgspec.json.encode(story).decode()
    if ATTEMPT in headers:
        headers[ATTEMPT] = 1
    return replace(message, headers=headers, timestamp=now)


def _failure_of(message: Message) -> Failure | None:
    header = message.headers.get(FAILURE)
    try:
        return _FAILURE_DECODER.decode(header) if isinstance(header, str) else None
    except msgspec.DecodeError:
        return None
