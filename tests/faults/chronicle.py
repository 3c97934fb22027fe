"""Writes histories by hand, for the tests of the oracle."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from tests.faults.history import Event, Fact

__all__ = ["a_good_run", "chronicle"]


def chronicle(*lines: tuple[Any, ...] | Event) -> list[Event]:
    """Each line: fact, who, task, and a dict of further fields if there are any. Events are taken
    over; all get their place in the new history."""
    return [_event(place, line) for place, line in enumerate(lines)]


def _event(place: int, line: tuple[Any, ...] | Event) -> Event:
    if isinstance(line, Event):
        return structs.replace(line, place=place, at_seconds=float(place))
    blanks: list[Any] = ["", "", {}]
    parts: list[Any] = [*line, *blanks[len(line) - 1 :]]
    fact, who, task, more = parts
    return Event(place, float(place), fact, who, task, **more)


def a_good_run() -> list[Event]:
    """One task, once through everything."""
    return chronicle(
        (Fact.PROCESS_STARTED, "w1"),
        (Fact.SUBMITTING, "orchestrator", "t1", {"digest": "body"}),
        (Fact.ACCEPTED, "orchestrator", "t1"),
        (Fact.DELIVERED, "w1", "t1", {"delivery": "m1", "attempt": 1}),
        (Fact.CLAIMED, "w1", "t1", {"note": "Claimed"}),
        (Fact.STARTED, "w1", "t1", {"attempt": 1}),
        (Fact.CALLED, "w1", "t1", {"number": 1}),
        (Fact.ANSWERED, "w1", "t1", {"number": 1, "note": "200"}),
        (Fact.ANSWERING, "w1", "t1", {"attempt": 1}),
        (Fact.ANSWER_CONFIRMED, "w1", "t1", {"attempt": 1}),
        (Fact.ACKING, "w1", "t1", {"delivery": "m1", "attempt": 1}),
        (Fact.ACKED, "w1", "t1", {"delivery": "m1", "attempt": 1}),
        (Fact.GIVEN, "orchestrator", "t1", {"attempt": 1, "digest": "r", "note": "success"}),
        (Fact.CONSUMERS, "", "", {"number": 1, "note": "1"}),
        (Fact.TOLD_TO_STOP, "w1"),
        (Fact.PROCESS_ENDED, "w1"),
    )
