"""What must hold for the programs. Each check yields its violations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.extra_calls import Cause, extra_calls
from tests.faults.history import Event, Fact

__all__ = ["PROGRAM_INVARIANTS"]


def nothing_is_paid_twice(events: Sequence[Event]) -> Iterator[str]:
    """I2b: no second call while the worker that made the first one lives, but for declared
    retries of what was not paid."""
    for extra in extra_calls(events):
        if extra.cause is Cause.UNEXPLAINED:
            yield (
                f"{extra.call.task}: {extra.call.who} calls again"
                f" although {extra.before.who} made the call and lived on"
            )


def everything_comes_to_an_end(events: Sequence[Event]) -> Iterator[str]:
    """I8: after the fault is healed everything ends, and the broker sees the consumers that the
    workers believe in."""
    for event in events:
        if event.fact is Fact.OUT_OF_TIME:
            yield event.note
        elif event.fact is Fact.CONSUMERS and str(event.number) != event.note:
            yield f"the broker sees {event.number} consumers of {event.note} live workers"


def drain_ends_well(events: Sequence[Event]) -> Iterator[str]:
    """I13: who is told to stop ends by itself, with 0."""
    told: set[str] = set()
    killed: set[str] = set()
    ended: set[str] = set()
    for event in events:
        if event.fact is Fact.TOLD_TO_STOP:
            told.add(event.who)
        elif event.fact is Fact.KILLED:
            killed.add(event.who)
        elif event.fact is Fact.PROCESS_ENDED:
            ended.add(event.who)
            if event.who not in killed and (event.who not in told or event.number != 0):
                yield f"{event.who} ended with {event.number}"
    for who in sorted(told - killed - ended):
        yield f"{who} was told to stop and did not end"


def no_secret_is_seen(events: Sequence[Event]) -> Iterator[str]:
    """I15: neither keys nor passwords in what programs write."""
    for event in events:
        if event.fact is Fact.SECRET_SEEN:
            yield f"{event.who} shows {event.note}"


def programs_know_what_happens_to_them(events: Sequence[Event]) -> Iterator[str]:
    """Quiet: no fault is a surprise; no traceback, no line that is no log line."""
    for event in events:
        if event.fact is Fact.UNEXPECTED_OUTPUT:
            yield f"{event.who} wrote {event.note}"


PROGRAM_INVARIANTS = (
    nothing_is_paid_twice,
    everything_comes_to_an_end,
    drain_ends_well,
    no_secret_is_seen,
    programs_know_what_happens_to_them,
)
