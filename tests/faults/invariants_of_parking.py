"""What may stand in parking, and what must. Each check yields its violations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.history import Event, Fact
from tests.faults.readings import (
    deadly_tasks,
    kept_by_the_fallback,
    suspected_tasks,
    tasks_of,
    unreadable_tasks,
    while_claims_hold,
)

__all__ = ["PARKING_INVARIANTS"]


def only_what_belongs_there_is_parked(events: Sequence[Event]) -> Iterator[str]:
    """I11: nothing that could be run is driven into parking by what happens to its neighbours."""
    belongs_there = unreadable_tasks(events) | suspected_tasks(events)
    belongs_there |= kept_by_the_fallback(events)
    for event in events:
        if event.fact is Fact.PARKED and event.task not in belongs_there:
            yield f"{event.task} stands in parking: {event.note}"


def what_kills_is_given_up(events: Sequence[Event]) -> Iterator[str]:
    """I11: a task of which enough workers have died is answered as poison, and kept."""
    parked = tasks_of(events, Fact.PARKED) | tasks_of(events, Fact.REDRIVEN)
    answered = {
        event.task for event in events if event.fact is Fact.GIVEN and "poison" in event.note
    }
    for task in sorted(deadly_tasks(events)):
        if task not in parked:
            yield f"{task} has killed its workers and is not in parking"
        if task not in answered:
            yield f"{task} has killed its workers and is not answered as poison"


def redriven_tasks_begin_anew(events: Sequence[Event]) -> Iterator[str]:
    """I12: what is sent back from parking is handed over as a first attempt that tells of its stay,
    is answered, and does not come back for what happened before."""
    whole = list(while_claims_hold(events)) == list(events)
    for redriven in (event for event in events if event.fact is Fact.REDRIVEN and whole):
        later = [event for event in events[redriven.place :] if event.task == redriven.task]
        handed = [
            event for event in later if event.fact is Fact.DELIVERED and "redrive" in event.note
        ]
        if not handed or handed[0].attempt != 1 or "with 1 earlier stays" not in handed[0].note:
            yield f"{redriven.task} was sent back and is not handed over as new, with its story"
        if not any(event.fact is Fact.GIVEN and "poison" not in event.note for event in later):
            yield f"{redriven.task} was sent back and is not answered"
        if redriven.task not in deadly_tasks(events[redriven.place :]):
            yield from (
                f"{redriven.task} is in parking again: {event.note}"
                for event in later
                if event.fact is Fact.PARKED
            )


def parked_as_it_came(events: Sequence[Event]) -> Iterator[str]:
    """I12: what stands in parking is what was sent, byte for byte, with a reason."""
    sent = {
        (event.task, event.digest)
        for event in events
        if event.fact in {Fact.SENT_RAW, Fact.SUBMITTING}
    }
    for event in events:
        if event.fact is Fact.PARKED and (event.task, event.digest) not in sent:
            yield f"{event.task} stands in parking with another body"
        if event.fact is Fact.PARKED and not event.note:
            yield f"{event.task} stands in parking without a reason"


def unreadable_is_never_paid_for(events: Sequence[Event]) -> Iterator[str]:
    """I16: what is written in a form that this release does not know is parked and not run; every
    other form that other programs write is answered."""
    unreadable = unreadable_tasks(events)
    parked, given = tasks_of(events, Fact.PARKED), tasks_of(events, Fact.GIVEN)
    for task in sorted(unreadable - parked):
        yield f"{task} cannot be read and is not in parking"
    for task in sorted(tasks_of(events, Fact.CALLED) & unreadable):
        yield f"{task} cannot be read and was paid for"
    for task in sorted(tasks_of(events, Fact.SENT_RAW) - unreadable - given):
        yield f"{task} could be read and was not answered"


PARKING_INVARIANTS = (
    only_what_belongs_there_is_parked,
    what_kills_is_given_up,
    redriven_tasks_begin_anew,
    parked_as_it_came,
    unreadable_is_never_paid_for,
)
