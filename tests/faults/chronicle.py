"""Writes histories by hand, for the tests of the oracle."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from tests.faults.history import Event, Fact

__all__ = ["a_deadly_run", "a_good_run", "a_pardoned_run", "chronicle"]


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


def a_deadly_run() -> list[Event]:
    """Three workers die of one task; the next one gives it up."""
    deaths = [
        line
        for number in (1, 2, 3)
        for line in (
            (Fact.CLAIMING, f"w{number}", "t1"),
            (Fact.STARTED, f"w{number}", "t1", {"attempt": 1}),
            (Fact.CALLED, f"w{number}", "t1", {"number": number}),
            (Fact.KILLED, f"w{number}"),
        )
    ]
    return chronicle(
        (Fact.SUBMITTING, "orchestrator", "t1", {"digest": "body"}),
        (Fact.ACCEPTED, "orchestrator", "t1"),
        *deaths,
        (Fact.GIVEN, "orchestrator", "t1", {"digest": "r", "note": "failed poison by w4"}),
        (Fact.PARKED, "", "t1", {"digest": "body", "note": "3 workers died"}),
    )


def a_pardoned_run(*, answered: bool, again: bool) -> list[Event]:
    """The same task is sent back, and handed over as new; `again`: it is given up at once, in place
    of running."""
    *deaths, _ = a_deadly_run()
    story = "redrive 1 with 1 earlier stays in parking"
    return chronicle(
        *deaths,
        (Fact.REDRIVEN, "", "t1"),
        (Fact.DELIVERED, "w4", "t1", {"delivery": "m9", "attempt": 1, "note": story}),
        *(
            [(Fact.GIVEN, "orchestrator", "t1", {"digest": "s", "note": "success"})]
            if answered
            else []
        ),
        *([(Fact.PARKED, "", "t1", {"digest": "body", "note": "4 died"})] if again else []),
    )
