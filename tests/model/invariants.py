"""What must hold in every run of the model, whatever struck."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from llmbus.shared.codec import decode_result, decode_task
from llmbus.shared.result import ExecutionStatus, FailureKind
from tests.model.excuses import unexcused_calls
from tests.model.journal import Accepted, Journal, ResultSent, StoredOnce
from tests.model.workers import MAX_CRASHES

__all__ = ["broken_at_the_end", "broken_now"]

_ON_ITS_WAY_SECONDS = 2.5
"""How long before its call a run may have been given its claim."""


def broken_now(journal: Journal, now: float) -> list[str]:
    """What has gone wrong by this moment."""
    return [
        *journal.wrong,
        *(broken for task_id in journal.calls for broken in unexcused_calls(journal, task_id)),
        *_attempts(journal),
        *_results(journal, now),
        *_poison(journal),
        *_cancelled(journal, now),
        *_left_open(journal, now),
    ]


def broken_at_the_end(journal: Journal) -> list[str]:
    """What is left open when all faults have healed and time enough has passed."""
    lost = [
        f"{task_id} was accepted and has no result"
        for task_id in journal.accepted
        if not journal.is_answered(task_id)
    ]
    left = [
        f"{copies} messages of {task_id} are left in the broker"
        for task_id, copies in journal.copies.items()
        if copies
    ]
    return lost + left


def _attempts(journal: Journal) -> Iterator[str]:
    for call in journal.all_calls():
        message = _accepted(journal, call.task_id, call.submission).message
        limit = decode_task(message.body, message.content_type).max_attempts
        if limit is not None and call.attempt > limit:
            yield f"{call} is beyond the {limit} attempts of its task"


def _results(journal: Journal, now: float) -> Iterator[str]:
    """One result a submission, and what is published is what is stored."""
    for task_id, results in journal.results.items():
        since = journal.accepted[task_id][0].at
        if journal.trouble_between(since, now):
            continue  # delivery is at least once then
        bodies = {stored.body for stored in _stored(journal, task_id)}
        for result in results:
            if result.body not in bodies and not _tells_of_cancellation(result):
                yield f"a result of {task_id} was published that the store has refused"
    for task_id in journal.accepted:
        yield from _two_ends(journal, task_id, now)


def _tells_of_cancellation(sent: ResultSent) -> bool:
    """Whoever meets a cancelled task tells of it, and nothing was run or stored."""
    return decode_result(sent.body).status is ExecutionStatus.CANCELLED


def _two_ends(journal: Journal, task_id: str, now: float) -> Iterator[str]:
    if journal.trouble_between(journal.accepted[task_id][0].at, now):
        return

    def submission(stored: StoredOnce) -> str:
        return stored.claim.claimant.submission

    ends = sorted(_stored(journal, task_id), key=submission)
    for _, group in groupby(ends, key=submission):
        if len({stored.claim.token for stored in group}) > 1:
            yield f"one submission of {task_id} has two results in the store"
    wins = {stored.claim.token for stored in ends if stored.succeeded}
    if len(wins) > 1:
        yield f"{task_id} was paid for, answered and stored twice"


def _poison(journal: Journal) -> Iterator[str]:
    for task_id, results in journal.results.items():
        for sent in results:
            failure = decode_result(sent.body).failure
            if failure is None or failure.kind is not FailureKind.POISON:
                continue
            fallen = journal.killed.keys() | journal.frozen.keys()
            starts = [
                token
                for (started, token), process in journal.open_starts.items()
                if started == task_id and process in fallen
            ]
            trouble = journal.trouble_between(0, sent.at)
            if len(starts) < MAX_CRASHES and not trouble:
                yield f"{task_id} was given up as poison after {len(starts)} deaths"


def _left_open(journal: Journal, now: float) -> Iterator[str]:
    """Who ends in order takes nothing along."""
    for (task_id, _), process in journal.open_starts.items():
        if process in journal.ended and not journal.trouble_between(0, now):
            yield f"{process.name} has ended and left a start of {task_id} open"


def _cancelled(journal: Journal, now: float) -> Iterator[str]:
    if journal.trouble_between(0, now):
        return
    for task_id, wishes in journal.cancelled.items():
        for at, submission in wishes:
            yield from _beyond_cancellation(journal, task_id, submission, at)


def _beyond_cancellation(
    journal: Journal, task_id: str, submission: str, at: float
) -> Iterator[str]:
    for call in journal.calls.get(task_id, ()):
        if call.submission == submission and call.time.start > at + _ON_ITS_WAY_SECONDS:
            yield f"{call} was made after its submission was cancelled"
    for stored in _stored(journal, task_id):
        of_it = stored.claim.claimant.submission == submission and stored.at > at
        if of_it and decode_result(stored.body).status is ExecutionStatus.SUCCESS:
            yield f"{task_id} succeeded after it was cancelled"


def _stored(journal: Journal, task_id: str) -> list[StoredOnce]:
    return [each for each in journal.stored if each.claim.claimant.task_id == task_id]


def _accepted(journal: Journal, task_id: str, submission: str) -> Accepted:
    return next(each for each in journal.accepted[task_id] if each.submission == submission)
