"""What a cancellation that the store has noted is worth. Each check yields its violations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.faults.history import Event, Fact
from tests.faults.readings import while_claims_hold

__all__ = ["CANCELLATION_INVARIANTS"]

_CANCELLATIONS: Final = ("task-cancelled", "fallback-task-cancelled")
_CUT_SECONDS: Final = 3.0
"""Two from the renewal that hears of it; a renewal comes twice a second here."""


def cancelled_stays_cancelled(events: Sequence[Event]) -> Iterator[str]:
    """I10: after a cancellation is accepted no run begins, and the task does not succeed after
    all. A run that had its claim before may be about to call."""
    cancelled: set[str] = set()
    for event in while_claims_hold(events):
        if event.fact is Fact.CANCEL_ACCEPTED:
            cancelled.add(event.task)
        elif event.task not in cancelled:
            continue
        elif event.fact is Fact.CLAIMED and event.note == "Claimed":
            yield f"{event.task}: a run begins after the cancellation"
        elif event.fact is Fact.GIVEN and event.note.startswith("success"):
            yield f"{event.task}: cancelled, and succeeded"


def running_calls_are_cut(events: Sequence[Event]) -> Iterator[str]:
    """I10: a call that runs when its task is cancelled ends within two seconds of the renewal that
    hears of it, where nothing else is wrong."""
    struck = [event for event in events if event.fact is Fact.STRUCK]
    if not all(event.note.startswith(_CANCELLATIONS) for event in struck):
        return
    for cancelled in (event for event in events if event.fact is Fact.CANCEL_ACCEPTED):
        if _has_open_call(events[: cancelled.place], cancelled.task):
            cut = next(
                (
                    event.at_seconds - cancelled.at_seconds
                    for event in events[cancelled.place :]
                    if event.fact is Fact.ANSWERING and event.task == cancelled.task
                ),
                None,
            )
            if cut is None or cut > _CUT_SECONDS:
                yield f"{cancelled.task}: its call was cut {cut} s after the cancellation"


def _has_open_call(events: Sequence[Event], task: str) -> bool:
    calls = {event.number for event in events if event.fact is Fact.CALLED and event.task == task}
    return bool(calls - {event.number for event in events if event.fact is Fact.ANSWERED})


CANCELLATION_INVARIANTS = (cancelled_stays_cancelled, running_calls_are_cut)
