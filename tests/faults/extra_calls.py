"""Why a task was paid for more than once. What has no reason here is a defect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.faults.history import Event, Fact
from tests.faults.steps import Step

__all__ = ["Cause", "ExtraCall", "askings", "extra_calls"]

_NOT_PAID: Final = frozenset({"429", "500", "502", "503", "504", "529"})
"""Answers by which a provider says that it did nothing."""
_NEXT_ATTEMPTS: Final = frozenset({Fact.RETRY_CONFIRMED, Fact.HAND_OVER_CONFIRMED})


class Cause(StrEnum):
    """What may lead to another call for the same task."""

    UNPAID_RETRY = "retry of what was not paid"
    WORKER_DIED = "worker died with the call"
    WORKER_FROZEN = "worker frozen beyond its claim"
    FROZEN_ON_THE_WAY = "frozen with its call on the way"
    STALLED = "an event loop stood still"
    DRAINED = "cut by a drain"
    ASKED_AGAIN = "asked for again"
    REDIS_AWAY = "no Redis to hold claims"
    UNEXPLAINED = "UNEXPLAINED"


@dataclass(frozen=True)
class ExtraCall:
    """A call beyond the first of its task, and why."""

    call: Event
    before: Event
    """The call of the same task before it."""
    cause: Cause


def extra_calls(events: Sequence[Event]) -> Iterator[ExtraCall]:
    """In the order of the calls."""
    calls: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.fact is not Fact.CALLED:
            continue
        earlier = calls[event.task]
        if earlier:
            yield ExtraCall(event, earlier[-1], _cause(events, earlier, event))
        earlier.append(event)


def _cause(events: Sequence[Event], earlier: Sequence[Event], call: Event) -> Cause:
    before = earlier[-1]
    for cause, holds in _REASONS:
        if holds(events, before, call):
            return cause
    if len(earlier) < askings(events[: call.place], call.task):
        return Cause.ASKED_AGAIN
    return Cause.UNEXPLAINED


def _was_unpaid(events: Sequence[Event], before: Event, call: Event) -> bool:
    """The provider said so, and the worker put the task into a wait queue, or gave it to the
    fallback."""
    between = events[before.place : call.place]
    unpaid = any(
        event.fact is Fact.ANSWERED and event.number == before.number and event.note in _NOT_PAID
        for event in between
    )
    return unpaid and any(
        event.fact in _NEXT_ATTEMPTS and event.task == call.task for event in between
    )


def _caller_died(events: Sequence[Event], before: Event, call: Event) -> bool:
    """Before it had acked: an acked task is nobody's any more. Its call may have been on its way
    when it died, and be seen later."""
    past = events[: call.place]
    died = any(event.fact is Fact.KILLED and event.who == before.who for event in past)
    return died and not any(
        event.fact is Fact.ACKED and event.who == before.who and event.task == call.task
        for event in past[before.place :]
    )


def _caller_was_frozen(events: Sequence[Event], before: Event, call: Event) -> bool:
    frozen = False
    for event in events[: call.place]:
        if event.who != before.who:
            continue
        if event.fact is Fact.FROZEN:
            frozen = True
        elif event.fact is Fact.THAWED and event.place < before.place:
            frozen = False
    return frozen


def _was_frozen_on_the_way(events: Sequence[Event], _: Event, call: Event) -> bool:
    """After its run had begun, and looked at its claim, and before the provider saw this call of
    its own. A run that was struck as it began looks at its claim when it thaws."""
    begun = frozen = False
    for event in events[: call.place]:
        if event.who != call.who:
            continue
        if event.fact is Fact.FROZEN:
            frozen = begun
        elif event.task == call.task:
            if event.fact in {Fact.CLAIMING, Fact.DELIVERED}:
                begun = frozen = False
            elif event.fact is Fact.STARTED:
                begun = True
            elif event.fact is Fact.STRUCK:
                begun = begun and not event.note.endswith(f" at {Step.STARTED}")
    return frozen


def _caller_drained(events: Sequence[Event], before: Event, call: Event) -> bool:
    told = any(
        event.fact is Fact.TOLD_TO_STOP and event.who == before.who
        for event in events[: call.place]
    )
    gave_back = any(
        event.who == before.who
        and (
            event.fact is Fact.PROCESS_ENDED
            or (event.fact in {Fact.NACKED, Fact.SETTLING_LOST} and event.task == call.task)
        )
        for event in events[before.place : call.place]
    )
    return told and gave_back


def _somebody_stalled(events: Sequence[Event], before: Event, call: Event) -> bool:
    """While the first call ran, or between the claim and the call of the second."""
    return any(
        event.fact is Fact.STALLED
        and event.who in {before.who, call.who, ""}
        and event.at_seconds >= before.at_seconds
        and event.at_seconds - event.number / 1000 <= call.at_seconds
        for event in events
    )


def _redis_was_away(events: Sequence[Event], _: Event, call: Event) -> bool:
    return any(
        event.fact is Fact.STRUCK and event.note.startswith("redis")
        for event in events[: call.place]
    )


def askings(events: Sequence[Event], task: str) -> int:
    """How often somebody asked for the task: another program, a redrive from parking, or an
    orchestrator that began anew and did not know whether its predecessor had."""
    raw = sum(
        event.task == task
        and (
            event.fact is Fact.REDRIVEN or (event.fact is Fact.SENT_RAW and event.note != "parked")
        )
        for event in events
    )
    submitters = {
        event.who for event in events if event.fact is Fact.SUBMITTING and event.task == task
    }
    return raw + len(submitters)


_REASONS: Final[tuple[tuple[Cause, Callable[[Sequence[Event], Event, Event], bool]], ...]] = (
    (Cause.UNPAID_RETRY, _was_unpaid),
    (Cause.WORKER_DIED, _caller_died),
    (Cause.WORKER_FROZEN, _caller_was_frozen),
    (Cause.FROZEN_ON_THE_WAY, _was_frozen_on_the_way),
    (Cause.DRAINED, _caller_drained),
    (Cause.REDIS_AWAY, _redis_was_away),
    (Cause.STALLED, _somebody_stalled),
)
