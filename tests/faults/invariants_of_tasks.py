"""What must hold for every task, whatever became of the programs. Each check yields violations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.faults.extra_calls import askings
from tests.faults.history import Event, Fact
from tests.faults.readings import (
    count_of,
    is_fallback,
    kept_by_the_fallback,
    suspected_tasks,
    tasks_of,
    while_claims_hold,
)

__all__ = ["TASK_INVARIANTS"]

MAX_ATTEMPTS = 3
"""As the suite's workers are set."""
_CLAIM_ENDS = frozenset({Fact.RETRY_CONFIRMED, Fact.HAND_OVER_CONFIRMED, Fact.NACKED})
"""By what the holder of a claim lets go of its task without an answer."""


def no_task_is_lost(events: Sequence[Event]) -> Iterator[str]:
    """I1: every accepted task ends in exactly one terminal state that somebody can see."""
    accepted = tasks_of(events, Fact.ACCEPTED) | tasks_of(events, Fact.SENT_RAW)
    given, parked = tasks_of(events, Fact.GIVEN), tasks_of(events, Fact.PARKED)
    for task in sorted(accepted - given - parked):
        yield f"{task} was accepted and has ended nowhere"
    for task in sorted(given & parked - suspected_tasks(events) - kept_by_the_fallback(events)):
        yield f"{task} was answered and stands in parking, too"
    for event in events:
        if event.fact is Fact.LEFT_OVER and event.task in given | parked:
            yield f"{event.task} has ended and still waits in {event.who}"


def one_result_each(events: Sequence[Event]) -> Iterator[str]:
    """I2: the application is given one result per task; one that it gets again after its own death,
    or because it asked again, is the same, byte for byte. Each redrive has another one."""
    given: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.fact is Fact.GIVEN:
            given[event.task].append(event)
    for task, results in given.items():
        takers = [event.who for event in results]
        if len(set(takers)) < len(takers) and askings(events, task) < 2:
            yield f"{task}: one orchestrator process was given {len(results)} results"
        if len({event.digest for event in results}) > 1 + count_of(events, Fact.REDRIVEN, task):
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
            limit = MAX_ATTEMPTS + is_fallback(event.who)  # the script's attempt is the last one
            if event.attempt > limit:
                yield f"{event.task}: attempt {event.attempt} of {limit} was started"
        elif event.fact is Fact.CALLED:
            starts[run] -= 1
            if starts[run] < 0:
                yield f"{event.task}: {event.who} asked the provider more often than it started"
        elif event.fact in {Fact.RETRY_CONFIRMED, Fact.HAND_OVER_CONFIRMED}:
            latest[event.task] = max(latest[event.task], event.attempt)
        elif event.fact is Fact.GIVEN and event.attempt > latest[event.task]:
            known = latest[event.task]
            yield f"{event.task}: charged {event.attempt} attempts, and had {known}"


def published_results_agree(events: Sequence[Event]) -> Iterator[str]:
    """I2: whatever is published for a task that was asked for once is the same, byte for byte. But
    whoever meets a copy of a cancelled task says so."""
    published: dict[str, set[str]] = defaultdict(set)
    told: set[tuple[str, str]] = set()
    for event in while_claims_hold(events):
        if event.fact is Fact.CLAIMED and event.note == "Cancelled":
            told.add((event.who, event.task))
        elif event.fact is Fact.ANSWERING and (event.who, event.task) not in told:
            published[event.task].add(event.digest)
    for task, digests in published.items():
        if len(digests) > 1 and askings(events, task) < 2:
            yield f"{task}: {len(digests)} different results were published"


def nobody_answers_for_a_lapsed_claim(events: Sequence[Event]) -> Iterator[str]:
    """I4: once another worker has been given the claim, the first one publishes nothing of its own.
    Of a task that was asked for more than once, more than one run may be right."""
    holder: dict[str, str] = {}
    repeating: set[tuple[str, str]] = set()
    for event in while_claims_hold(events):
        own = (event.who, event.task)
        if event.fact is Fact.CLAIMED and event.note == "Claimed":
            holder[event.task] = event.who
        elif event.fact in _CLAIM_ENDS and holder.get(event.task) == event.who:
            del holder[event.task]
        elif event.fact is Fact.CLAIMED and event.note in {"Finished", "Cancelled"}:
            repeating.add(own)  # what it publishes now stands in the store
        elif event.fact is Fact.ANSWERING and own not in repeating:
            now = holder.get(event.task, event.who)
            if now != event.who and askings(events, event.task) < 2:
                yield f"{event.task}: {event.who} answers although {now} has the claim"


def ack_follows_confirmation(events: Sequence[Event]) -> Iterator[str]:
    """I7: a task is acked only when what follows from it is confirmed: its result, its place in
    parking, or its copy for later or for the fallback. What the broker has handed to another worker
    since cannot be acked any more, whatever a worker that was frozen believes."""
    settled: set[str] = set()
    copies: dict[str, set[int]] = defaultdict(set)
    holder: dict[str, str] = {}
    for event in events:
        if event.fact is Fact.DELIVERED:
            holder[event.delivery] = event.who
        elif event.fact in {Fact.ANSWER_CONFIRMED, Fact.PARK_CONFIRMED}:
            settled.add(event.task)
        elif event.fact in {Fact.RETRY_CONFIRMED, Fact.HAND_OVER_CONFIRMED}:
            copies[event.task].add(event.attempt)
        elif event.fact is Fact.ACKED and holder.get(event.delivery, event.who) == event.who:
            copied = copies[event.task] & {event.attempt, event.attempt + 1}
            if not copied and event.task not in settled:
                yield f"{event.task}: {event.who} acks attempt {event.attempt}, nothing confirmed"


TASK_INVARIANTS = (
    no_task_is_lost,
    one_result_each,
    published_results_agree,
    attempts_are_bounded,
    nobody_answers_for_a_lapsed_claim,
    ack_follows_confirmation,
)
