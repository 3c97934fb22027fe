"""What must hold for tasks that the fallback answers by scripts. Each check yields violations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.faults.history import Event, Fact
from tests.faults.readings import failed_in_fallback, is_fallback, tasks_of

__all__ = ["SCRIPT_INVARIANTS"]

_NOT_KEPT: Final = ("failed expired",)
"""Failures that no repair of a script mends."""
_ENDED_SECONDS: Final = 3.0
"""Two from the renewal that hears of it; a renewal comes twice a second here."""


def the_direct_path_stays_off(events: Sequence[Event]) -> Iterator[str]:
    """I1: a task whose direct path is off is asked by a script of the fallback, and by nobody
    else."""
    off = tasks_of(events, Fact.DIRECT_OFF)
    scripts: set[tuple[str, str]] = set()
    for event in events:
        if event.fact is Fact.SCRIPT_STARTED:
            scripts.add((event.who, event.task))
        elif event.fact is Fact.CALLED and event.task in off and not is_fallback(event.who):
            yield f"{event.task}: {event.who} asks directly"
        elif event.fact is Fact.CALLED and is_fallback(event.who):
            if (event.who, event.task) not in scripts:
                yield f"{event.task}: {event.who} asks without a script"
        elif event.fact is Fact.GIVEN and event.note.startswith("success") and event.task in off:
            _, _, who = event.note.rpartition(" by ")
            if not is_fallback(who):
                yield f"{event.task}: answered by {who}"


def a_hand_over_needs_no_patience(events: Sequence[Event]) -> Iterator[str]:
    """I8: whoever hands a task to the fallback has let go of it before, where nothing else is
    wrong: an idle fallback does not wait for a claim to lapse."""
    off = tasks_of(events, Fact.DIRECT_OFF)
    if not _only_struck_by(events, ("fallback", "script")):
        return
    for event in events:
        if event.fact is Fact.CLAIMED and event.task in off and is_fallback(event.who):
            if event.note == "Held":
                yield f"{event.task}: {event.who} has to wait for who handed it over"
            off.discard(event.task)


def a_second_failure_is_kept(events: Sequence[Event]) -> Iterator[str]:
    """I12: what fails in the fallback, too, is answered as failed, and the task is in parking with
    its cause."""
    causes = {event.task: event.note for event in events if event.fact is Fact.PARKED}
    asked = {event.task for event in events if event.fact is Fact.CALLED}
    expired = {
        event.task
        for event in events
        if event.fact is Fact.GIVEN and event.note.startswith(_NOT_KEPT)
    }
    for task in sorted(failed_in_fallback(events) - expired):
        if task not in causes:
            yield f"{task}: its script has failed, and it is not in parking"
        elif task in asked and "could not start" in causes[task]:
            yield f"{task}: its script has asked, and is said not to have been started"


def nothing_of_a_script_outlives_it(events: Sequence[Event]) -> Iterator[str]:
    """I14: no process of a script is there when nobody holds a task any more."""
    for event in events:
        if event.fact is Fact.LEFT_BEHIND:
            yield f"process {event.number} is left behind: {event.note}"


def cancelled_scripts_end(events: Sequence[Event]) -> Iterator[str]:
    """I10: a script that runs when its task is cancelled ends soon, and asks nobody afterwards;
    where nothing else is wrong."""
    if not _only_struck_by(events, ("fallback-task-cancelled",)):
        return
    for cancelled in (event for event in events if event.fact is Fact.CANCEL_ACCEPTED):
        for process in sorted(_running_scripts(events, cancelled.task)):
            yield f"{cancelled.task}: its script, process {process}, has not ended"
        for event in events[cancelled.place :]:
            after = event.at_seconds - cancelled.at_seconds
            if event.task != cancelled.task or after <= _ENDED_SECONDS:
                continue
            if event.fact in {Fact.SCRIPT_ENDED, Fact.CALLED}:
                yield f"{event.task}: {event.fact} {after:g} s after the cancellation"


def _only_struck_by(events: Sequence[Event], faults: tuple[str, ...]) -> bool:
    return all(event.note.startswith(faults) for event in events if event.fact is Fact.STRUCK)


def _running_scripts(events: Sequence[Event], task: str) -> set[int]:
    begun, ended = (
        {event.number for event in events if event.fact is fact and event.task == task}
        for fact in (Fact.SCRIPT_STARTED, Fact.SCRIPT_ENDED)
    )
    return begun - ended


SCRIPT_INVARIANTS = (
    the_direct_path_stays_off,
    a_hand_over_needs_no_patience,
    a_second_failure_is_kept,
    nothing_of_a_script_outlives_it,
    cancelled_scripts_end,
)
