"""What several checks read out of a history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.faults.environment import MAX_CRASHES
from tests.faults.history import Event, Fact

__all__ = ["deadly_tasks", "tasks_of", "unreadable_tasks", "while_claims_hold"]

_UNREADABLE = frozenset({"malformed", "unknown-schema"})


def while_claims_hold(events: Sequence[Event]) -> Iterator[Event]:
    """Up to a fault of Redis: from there on a worker knows of itself alone."""
    for event in events:
        if event.fact is Fact.STRUCK and event.note.startswith("redis"):
            return
        yield event


def tasks_of(events: Sequence[Event], fact: Fact) -> set[str]:
    """The tasks that this happened to."""
    return {event.task for event in events if event.fact is fact}


def unreadable_tasks(events: Sequence[Event]) -> set[str]:
    """Those that nobody can run."""
    return {
        event.task for event in events if event.fact is Fact.SENT_RAW and event.note in _UNREADABLE
    }


def deadly_tasks(events: Sequence[Event]) -> set[str]:
    """Those of which as many workers have died as may: killed with an unanswered call for it."""
    deaths: Counter[str] = Counter()
    open_calls: dict[int, Event] = {}
    for event in while_claims_hold(events):
        if event.fact is Fact.CALLED:
            open_calls[event.number] = event
        elif event.fact is Fact.ANSWERED:
            open_calls.pop(event.number, None)
        elif event.fact is Fact.KILLED:
            cut = [call for call in open_calls.values() if call.who == event.who]
            deaths.update({call.task for call in cut})
            for call in cut:
                del open_calls[call.number]
    return {task for task, count in deaths.items() if count >= MAX_CRASHES}
