"""Parking: what nobody can deal with is kept with its reason, and can be sent back.

A parked message keeps body, priority, ids and routing key (the lane of a task, the orchestrator of
a result); a redrive sends it where it came from, with the story of its stays in parking.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import (
    ATTEMPT,
    FAILED,
    FAILURE,
    FALLBACK,
    REDRIVES,
    TASK_TYPE,
    attempt_of,
    note_spent,
    own_headers,
)
from llmbus.shared.result import Failure, Usage
from llmbus.shared.result_envelope import RESULT_TYPE
from llmbus.shared.topology import Layout

__all__ = [
    "NO_ROUTE",
    "Route",
    "Stay",
    "history_of",
    "parked_copy",
    "redriven_copy",
    "redrives_of",
    "stay_of",
    "way_back",
]

NO_ROUTE: Final = "no queue was bound for its route"
"""The reason of what the broker itself parked."""

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


class Route(NamedTuple):
    """Where a message is published."""

    exchange: str
    routing_key: str


# All headers of a message travel in one AMQP frame (128 KiB), or not at all: what they may hold
# is bounded, so that whatever comes can be parked, and parked again after any number of redrives.
_LONGEST_TEXT: Final = 4_000
_LONGEST_TEXT_OF_AN_EARLIER_STAY: Final = 500
_LARGEST_HISTORY: Final = 32_000

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
    spent: Usage | None = None,
) -> Message:
    """The message as it came, with the reason why nobody could deal with it, and what the run that
    found this out has spent."""
    headers = own_headers(message.headers)
    note_spent(headers, message, spent)
    headers.update({REASON: reason[:_LONGEST_TEXT], ORIGIN: origin})
    if failure is not None:
        headers[FAILURE] = msgspec.json.encode(_shortened(failure, _LONGEST_TEXT)).decode()
    if stderr:
        headers[STDERR] = stderr[-_LONGEST_TEXT:]
    return replace(message, headers=headers, timestamp=now)


def stay_of(message: Message) -> Stay:
    """Why this message stands in parking. Nothing in it is trusted to be readable."""
    reason = message.headers.get(REASON)
    origin = message.headers.get(ORIGIN)
    stderr = message.headers.get(STDERR)
    return Stay(
        reason=reason if isinstance(reason, str) else NO_ROUTE,
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


def redrives_of(message: Message) -> int:
    """How often it was sent back from parking."""
    redrives = message.headers.get(REDRIVES)
    return redrives if isinstance(redrives, int) else 0


def way_back(message: Message, routing_key: str, layout: Layout) -> Route | None:
    """Where a message that was parked under this routing key came from: the lane or the fallback
    of a task, the orchestrator of a result. None if it does not say."""
    if message.type == RESULT_TYPE:
        return Route(layout.results, routing_key) if routing_key else None
    if message.type != TASK_TYPE:
        return None
    origin = stay_of(message).origin
    # Before the routing key told the lane, the queue it was taken from did.
    lane = routing_key or origin.removeprefix(layout.lane_queue("x")[:-1])
    if not lane:
        return None
    return Route(layout.dead if origin == layout.fallback_queue else layout.tasks, lane)


def redriven_copy(message: Message, *, route: Route, layout: Layout, now: datetime) -> Message:
    """The message for a fresh start on that route: attempts and failures count anew, its story and
    what it has cost are kept. The copies that repeats of one redrive make are one submission, so a
    worker runs only one of them."""
    headers = own_headers(message.headers)
    story = [*history_of(message), stay_of(message)]
    for name in (REASON, ORIGIN, STDERR, FAILED):
        headers.pop(name, None)
    if route.exchange != layout.dead:
        headers.pop(FALLBACK, None)
        headers.pop(FAILURE, None)
    headers[REDRIVES] = redrives_of(message) + 1
    headers[HISTORY] = _history(story)
    if ATTEMPT in headers:
        headers[ATTEMPT] = 1
    return replace(message, headers=headers, timestamp=now)


def _history(story: list[Stay]) -> str:
    """As a header: shortened, and without its oldest stays where it would grow too long."""
    story = [_shortened_stay(stay) for stay in story]
    while len(encoded := msgspec.json.encode(story)) > _LARGEST_HISTORY:
        story = story[1:]
    return encoded.decode()


def _shortened_stay(stay: Stay) -> Stay:
    longest = _LONGEST_TEXT_OF_AN_EARLIER_STAY
    return msgspec.structs.replace(
        stay,
        reason=stay.reason[:longest],
        origin=stay.origin[:longest],
        failure=stay.failure and _shortened(stay.failure, longest),
        stderr=stay.stderr[-longest:],
    )


def _shortened(failure: Failure, longest: int) -> Failure:
    return msgspec.structs.replace(failure, message=failure.message[:longest])


def _failure_of(message: Message) -> Failure | None:
    header = message.headers.get(FAILURE)
    try:
        return _FAILURE_DECODER.decode(header) if isinstance(header, str) else None
    except msgspec.DecodeError:
        return None
