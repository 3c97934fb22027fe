"""What must hold for every task, whatever became of the programs. Each check yields violations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.faults.extra_calls import askings
from tests.faults.history import Event, Fact

__all__ = ["TASK_INVARIANTS"]

MAX_ATTEMPTS = 3
"""As the suite's workers are set."""
_UNREADABLE = frozenset({"malformed", "unknown-schema"})


def no_task_is_lost(events: Sequence[Event]) -> Iterator[str]:
    """I1: every accepted task ends in exactly one terminal state that somebody can see."""
    accepted = _tasks(events, Fact.ACCEPTED) | _tasks(events, Fact.SENT_RAW)
    given, parked = _tasks(events, Fact.GIVEN), _tasks(events, Fact.PARKED)
    for task in sorted(accepted - given - parked):
        yield f"{task} was accepted and has ended nowhere"
    for task in sorted(given & parked):
        yield f"{task} was answered and stands in parking, too"
    for event in events:
        if event.fact is Fact.LEFT_OVER and event.task in given | parked:
            yield f"{event.task} has ended and still waits in {event.who}"


def one_result_each(events: Sequence[Event]) -> Iterator[str]:
    """I2: the application is given one result per task; one that it gets again after its own death,
    or because it asked again, is the same, byte for byte."""
    given: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.fact is Fact.GIVEN:
            given[event.task].append(event)
    for task, results in given.items():
        takers = [event.who for event in results]
        if len(set(takers)) < len(takers) and askings(events, task) < 2:
            yield f"{task}: one orchestrator process was given {len(results)} results"
        if len({event.digest for event in results}) > 1:
            yield f"{task}: the application was given different results"


def attempts_are_bounded(events: Sequence[Event]) -> Iterator[str]:
    """I3: no attempt beyond the limit, no call without a start, no attempt counted that the history
    does not know of."""
    starts: dict[tuple[str, str], int] = defaultdict(int)
    latest: dict[str, int] = defaultdict(lambda: 1)
    for event in events:
        run = (event.who, event.task)
        if event.fact is Fact.STARTED:
            starts[run] += 1
            if event.attempt > MAX_ATTEMPTS:
                yield f"{event.task}: attempt {event.attempt} of {MAX_ATTEMPTS} was started"
        elif event.fact is Fact.CALLED:
            starts[run] -= 1
            if starts[run] < 0:
                yield f"{event.task}: {event.who} asked the provider more often than it started"
        elif event.fact is Fact.RETRY_CONFIRMED:
            latest[event.task] = max(latest[event.task], event.attempt)
        elif event.fact is Fact.GIVEN and event.attempt > latest[event.task]:
            known = latest[event.task]
            yield f"{event.task}: charged {event.attempt} attempts, and had {known}"


def published_results_agree(events: Sequence[Event]) -> Iterator[str]:
    """I2: whatever is published for a task that was asked for once is the same, byte for byte."""
    published: dict[str, set[str]] = defaultdict(set)
    for event in _while_claims_hold(events):
        if event.fact is Fact.ANSWERING:
            published[event.task].add(event.digest)
    for task, digests in published.items():
        if len(digests) > 1 and askings(events, task) < 2:
            yield f"{task}: {len(digests)} different results were published"


def nobody_answers_for_a_lapsed_claim(events: Sequence[Event]) -> Iterator[str]:
    """I4: once another worker has been given the claim, the first one publishes nothing of its own.
    Of a task that was asked for more than once, more than one run may be right."""
    holder: dict[str, str] = {}
    repeating: set[tuple[str, str]] = set()
    for event in _while_claims_hold(events):
        own = (event.who, event.task)
        if event.fact is Fact.CLAIMED and event.note == "Claimed":
            holder[event.task] = event.who
        elif event.fact is Fact.CLAIMED and event.note == "Finished":
            repeating.add(own)  # what it publishes now is the result that is stored
        elif event.fact is Fact.ANSWERING and own not in repeating:
            now = holder.get(event.task, event.who)
            if now != event.who and askings(events, event.task) < 2:
                yield f"{event.task}: {event.who} answers although {now} has the claim"


def ack_follows_confirmation(events: Sequence[Event]) -> Iterator[str]:
    """I7: a task is acked only when what follows from it is confirmed: its result, its place in
    parking, or its copy for a later hand-over. What the broker has handed to another worker since
    cannot be acked any more, whatever a worker that was frozen believes."""
    settled: set[str] = set()
    copies: dict[str, set[int]] = defaultdict(set)
    holder: dict[str, str] = {}
    for event in events:
        if event.fact is Fact.DELIVERED:
            holder[event.delivery] = event.who
        elif event.fact in {Fact.ANSWER_CONFIRMED, Fact.PARK_CONFIRMED}:
            settled.add(event.task)
        elif event.fact is Fact.RETRY_CONFIRMED:
            copies[event.task].add(event.attempt)
        elif event.fact is Fact.ACKED and holder.get(event.delivery, event.who) == event.who:
            copied = copies[event.task] & {event.attempt, event.attempt + 1}
            if not copied and event.task not in settled:
                yield f"{event.task}: {event.who} acks attempt {event.attempt}, nothing confirmed"


def cancelled_stays_cancelled(events: Sequence[Event]) -> Iterator[str]:
    """I10: after a cancellation is accepted no call starts, and the task does not succeed after
    all unless its call was answered before."""
    cancelled: set[str] = set()
    answered: set[str] = set()
    for event in events:
        if event.fact is Fact.CANCEL_ACCEPTED:
            cancelled.add(event.task)
        elif event.fact is Fact.ANSWERED and event.task not in cancelled:
            answered.add(event.task)
        elif event.fact is Fact.CALLED and event.task in cancelled:
            yield f"{event.task}: a call begins after the cancellation"
        elif _succeeded(event) and event.task in cancelled - answered:
            yield f"{event.task}: cancelled, and succeeded"


def only_what_is_unreadable_is_parked(events: Sequence[Event]) -> Iterator[str]:
    """I11: nothing that could be run is driven into parking by what happens to its neighbours."""
    unreadable = _unreadable(events)
    for event in events:
        if event.fact is Fact.PARKED and event.task not in unreadable:
            yield f"{event.task} stands in parking: {event.note}"


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
    unreadable = _unreadable(events)
    parked, given = _tasks(events, Fact.PARKED), _tasks(events, Fact.GIVEN)
    for task in sorted(unreadable - parked):
        yield f"{task} cannot be read and is not in parking"
    for task in sorted(_tasks(events, Fact.CALLED) & unreadable):
        yield f"{task} cannot be read and was paid for"
    for task in sorted(_tasks(events, Fact.SENT_RAW) - unreadable - given):
        yield f"{task} could be read and was not answered"


def _while_claims_hold(events: Sequence[Event]) -> Iterator[Event]:
    """Up to a fault of Redis: from there on a worker knows of itself alone."""
    for event in events:
        if event.fact is Fact.STRUCK and event.note.startswith("redis"):
            return
        yield event


def _succeeded(event: Event) -> bool:
    return event.fact is Fact.GIVEN and event.note.startswith("success")


def _tasks(events: Sequence[Event], fact: Fact) -> set[str]:
    return {event.task for event in events if event.fact is fact}


def _unreadable(events: Sequence[Event]) -> set[str]:
    return {
        event.task for event in events if event.fact is Fact.SENT_RAW and event.note in _UNREADABLE
    }


TASK_INVARIANTS = (
    no_task_is_lost,
    one_result_each,
    published_results_agree,
    attempts_are_bounded,
    nobody_answers_for_a_lapsed_claim,
    ack_follows_confirmation,
    cancelled_stays_cancelled,
    only_what_is_unreadable_is_parked,
    parked_as_it_came,
    unreadable_is_never_paid_for,
)
