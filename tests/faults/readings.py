"""What several checks read out of a history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from tests.faults.environment import MAX_CRASHES
from tests.faults.history import Event, Fact
from tests.faults.programs import FALLBACK

__all__ = [
    "count_of",
    "deadly_tasks",
    "failed_in_fallback",
    "is_fallback",
    "kept_by_the_fallback",
    "suspected_tasks",
    "tasks_of",
    "unreadable_tasks",
    "while_claims_hold",
]

_UNREADABLE = frozenset({"malformed", "unknown-schema"})
_ENDS = frozenset(
    {
        Fact.STORED,
        Fact.RETRY_CONFIRMED,
        Fact.HAND_OVER_CONFIRMED,
        Fact.PARK_CONFIRMED,
        Fact.NACKED,
    }
)


def while_claims_hold(events: Sequence[Event]) -> Iterator[Event]:
    """Up to a fault of Redis: from there on a worker knows of itself alone."""
    for event in events:
        if event.fact is Fact.STRUCK and event.note.startswith("redis"):
            return
        yield event


def tasks_of(events: Sequence[Event], fact: Fact) -> set[str]:
    """The tasks that this happened to."""
    return {event.task for event in events if event.fact is fact}


def count_of(events: Sequence[Event], fact: Fact, task: str) -> int:
    """How often that happened to this task."""
    return sum(event.fact is fact and event.task == task for event in events)


def unreadable_tasks(events: Sequence[Event]) -> set[str]:
    """Those that nobody can run."""
    return {
        event.task for event in events if event.fact is Fact.SENT_RAW and event.note in _UNREADABLE
    }


def is_fallback(who: str) -> bool:
    """Whether that program serves the fallback."""
    return who.startswith(FALLBACK)


def failed_in_fallback(events: Sequence[Event]) -> set[str]:
    """Those that the application was told of that their script has failed, too."""
    return {
        event.task
        for event in events
        if event.fact is Fact.GIVEN
        and event.note.startswith("failed ")
        and is_fallback(event.note.rpartition(" by ")[2])
    }


def kept_by_the_fallback(events: Sequence[Event]) -> set[str]:
    """Those that may be answered and stand in parking: their script has failed, and so they were
    kept. Whoever kept one may have been replaced before it answered; then another script, or a
    cancellation, had the last word."""
    kept = failed_in_fallback(events)
    keeping: dict[str, str] = {}
    for event in events:
        if event.fact is Fact.PARK_CONFIRMED and is_fallback(event.who):
            keeping[event.task] = event.who
        elif event.fact is Fact.ANSWER_CONFIRMED and keeping.get(event.task) == event.who:
            del keeping[event.task]
        elif event.fact in {Fact.KILLED, Fact.FROZEN}:
            kept |= {task for task, who in keeping.items() if who == event.who}
        elif event.fact is Fact.CANCEL_ACCEPTED and event.task in keeping:
            kept.add(event.task)
    return kept


def deadly_tasks(events: Sequence[Event]) -> set[str]:
    """Those of which as many workers have died as may: killed with an unanswered call for it."""
    return _killers(events, opened=Fact.CALLED, closed=frozenset({Fact.ANSWERED}))


def suspected_tasks(events: Sequence[Event]) -> set[str]:
    """Those that ran in as many workers as may die, when these died: they have claimed it and not
    ended it, called or not. What a worker had merely been handed is not among them."""
    return _killers(events, opened=Fact.CLAIMING, closed=_ENDS)


def _killers(events: Sequence[Event], opened: Fact, closed: Collection[Fact]) -> set[str]:
    deaths: Counter[str] = Counter()
    running: set[tuple[str, str]] = set()
    killers: set[str] = set()
    for event in while_claims_hold(events):
        run = event.who, event.task
        if event.fact is opened:
            running.add(run)
        elif event.fact in closed or (event.fact is Fact.CLAIMED and event.note != "Claimed"):
            running.discard(run)
        elif event.fact is Fact.KILLED:
            deaths.update(task for who, task in running if who == event.who)
            running = {(who, task) for who, task in running if who != event.who}
            killers |= {task for task, count in deaths.items() if count >= MAX_CRASHES}
        elif event.fact is Fact.REDRIVEN:
            deaths.pop(event.task, None)
    return killers
