"""Every call beyond the first of a task gets its reason, and none gets one that does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.chronicle import chronicle
from tests.faults.extra_calls import Cause, extra_calls
from tests.faults.history import Event, Fact

FIRST = (Fact.CALLED, "w1", "t1", {"number": 1})
SECOND = (Fact.CALLED, "w2", "t1", {"number": 2})
UNPAID = (Fact.ANSWERED, "w1", "t1", {"number": 1, "note": "429"})
PAID = (Fact.ANSWERED, "w1", "t1", {"number": 1, "note": "200"})
RETRIED = (Fact.RETRY_CONFIRMED, "w1", "t1", {"attempt": 2})


def causes(*lines: tuple[Any, ...] | Event) -> list[Cause]:
    return [extra.cause for extra in extra_calls(chronicle(*lines))]


def test_one_call_is_no_extra_call() -> None:
    assert causes(FIRST, PAID) == []


def test_calls_of_different_tasks_are_no_extra_calls() -> None:
    assert causes(FIRST, (Fact.CALLED, "w1", "t2", {"number": 2})) == []


EXPLAINED = {
    Cause.UNPAID_RETRY: (FIRST, UNPAID, RETRIED, SECOND),
    Cause.WORKER_DIED: (FIRST, (Fact.KILLED, "w1"), SECOND),
    Cause.WORKER_FROZEN: ((Fact.FROZEN, "w1"), FIRST, SECOND),
    Cause.FROZEN_ON_THE_WAY: (
        (Fact.CLAIMING, "w2", "t1"),
        (Fact.STARTED, "w2", "t1"),
        (Fact.FROZEN, "w2"),
        FIRST,
        (Fact.THAWED, "w2"),
        SECOND,
    ),
    Cause.DRAINED: (FIRST, (Fact.TOLD_TO_STOP, "w1"), (Fact.NACKED, "w1", "t1"), SECOND),
    Cause.ASKED_AGAIN: (
        (Fact.SUBMITTING, "orchestrator", "t1"),
        FIRST,
        (Fact.SUBMITTING, "orchestrator-next", "t1"),
        SECOND,
    ),
    Cause.REDIS_AWAY: ((Fact.STRUCK, "w1", "t1", {"note": "redis-killed at S6"}), FIRST, SECOND),
    Cause.STALLED: (FIRST, SECOND, (Fact.STALLED, "w1", "", {"number": 1500})),
    Cause.UNEXPLAINED: (FIRST, SECOND),
}


@pytest.mark.parametrize(("cause", "lines"), EXPLAINED.items(), ids=list(EXPLAINED))
def test_an_extra_call_has_its_cause(cause: Cause, lines: tuple[tuple[Any, ...], ...]) -> None:
    assert causes(*lines) == [cause]


NO_REASON = {
    "retry of what was paid": (FIRST, PAID, RETRIED, SECOND),
    "unpaid, but not by a retry": (FIRST, UNPAID, SECOND),
    "another worker died": (FIRST, (Fact.KILLED, "w3"), SECOND),
    "it died after its ack": (FIRST, (Fact.ACKED, "w1", "t1"), (Fact.KILLED, "w1"), SECOND),
    "it thawed before its call": ((Fact.FROZEN, "w1"), (Fact.THAWED, "w1"), FIRST, SECOND),
    "another worker was frozen": ((Fact.FROZEN, "w3"), FIRST, SECOND),
    "it was frozen before it looked at its claim": (
        (Fact.CLAIMING, "w2", "t1"),
        (Fact.STARTED, "w2", "t1"),
        (Fact.STRUCK, "w2", "t1", {"note": "worker-frozen at S4"}),
        (Fact.FROZEN, "w2"),
        FIRST,
        (Fact.THAWED, "w2"),
        SECOND,
    ),
    "it was frozen before it asked for the claim": (
        (Fact.FROZEN, "w2"),
        (Fact.THAWED, "w2"),
        (Fact.CLAIMING, "w2", "t1"),
        FIRST,
        SECOND,
    ),
    "another worker stalled": (FIRST, (Fact.STALLED, "w3", "", {"number": 1500}), SECOND),
    "it stalled before": ((Fact.STALLED, "w1", "", {"number": 1500}), FIRST, SECOND),
    "it stalled afterwards": (FIRST, SECOND, (Fact.STALLED, "w1", "", {"number": 900})),
    "it drains and still has it": (FIRST, (Fact.TOLD_TO_STOP, "w1"), SECOND),
    "the connection was closed": (
        FIRST,
        (Fact.STRUCK, "w1", "t1", {"note": "connections-closed at S6"}),
        SECOND,
    ),
    "submitted twice by one process": (
        (Fact.SUBMITTING, "orchestrator", "t1"),
        (Fact.SUBMITTING, "orchestrator", "t1"),
        FIRST,
        SECOND,
    ),
}


@pytest.mark.parametrize("lines", NO_REASON.values(), ids=NO_REASON.keys())
def test_what_only_looks_like_a_reason_is_none(lines: tuple[tuple[Any, ...], ...]) -> None:
    assert causes(*lines) == [Cause.UNEXPLAINED]


def test_a_call_that_was_on_its_way_when_its_worker_died_is_seen_later() -> None:
    assert causes((Fact.KILLED, "w1"), FIRST, SECOND) == [Cause.WORKER_DIED]
