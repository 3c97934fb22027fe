"""What a history says of where things stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.faults.history import Event, Fact
from tests.faults.readings import tasks_of

__all__ = ["all_tasks_ended", "held_by", "nothing_in_hand"]

_SETTLED = frozenset({Fact.ACKED, Fact.NACKED, Fact.SETTLING_LOST})


def all_tasks_ended(events: Sequence[Event], wanted: Collection[str]) -> bool:
    """Whether everything that was asked, and every raw message, is answered or parked."""
    asked = set(wanted) | {event.task for event in events if event.fact is Fact.SENT_RAW}
    ended = {event.task for event in events if event.fact in {Fact.GIVEN, Fact.PARK_CONFIRMED}}
    refused = {event.task for event in events if event.fact is Fact.REFUSED and event.number}
    return asked <= ended | refused


def nothing_in_hand(events: Sequence[Event]) -> bool:
    """Whether every delivery to a worker that lives on is settled, and what was answered besides
    being parked is given."""
    return not _held(events) and tasks_of(events, Fact.PARK_CONFIRMED) & tasks_of(
        events, Fact.ANSWER_CONFIRMED
    ) <= tasks_of(events, Fact.GIVEN)


def held_by(who: str, events: Sequence[Event]) -> set[str]:
    """The tasks that this worker was handed and has not settled."""
    return {task for holder, _, task in _held(events) if holder == who}


def _held(events: Sequence[Event]) -> set[tuple[str, str, str]]:
    held: set[tuple[str, str, str]] = set()
    for event in events:
        delivery = event.who, event.delivery, event.task
        if event.fact is Fact.DELIVERED:
            held.add(delivery)
        elif event.fact in _SETTLED:
            held.discard(delivery)
        elif event.fact is Fact.PROCESS_ENDED:
            held = {each for each in held if each[0] != event.who}
    return held
