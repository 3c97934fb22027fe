"""The declared reasons for which a task is paid for again. Anything else is a broken promise."""

from __future__ import annotations

from math import inf

from llmbus.shared import FailureKind
from llmbus.shared.codec import decode_task
from llmbus.shared.task import UnknownOutcomePolicy
from tests.model.journal import Call, Journal
from tests.model.workers import CLAIM_SECONDS

__all__ = ["excuse", "unexcused_calls"]

_UNPAID = (FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE)
_ONE_BEAT = 1.5
"""A claim was renewed so long ago at most."""


def unexcused_calls(journal: Journal, task_id: str) -> list[str]:
    """Each pair of calls that nothing declared explains."""
    calls = journal.calls.get(task_id, [])
    if len(calls) < 2:
        return []
    later = calls[-1]
    return [
        f"{later} was made although {earlier} had been: {earlier.ending}"
        for place, earlier in enumerate(calls[:-1])
        if not _is_explained(journal, earlier, calls[place + 1 : -1], later)
    ]


def _is_explained(journal: Journal, earlier: Call, between: list[Call], later: Call) -> bool:
    """By itself, or by a call between them that was explained when it was made."""
    if excuse(journal, earlier, later) is not None:
        return True
    return any(
        excuse(journal, earlier, call) is not None
        and _is_explained(journal, call, between[place + 1 :], later)
        for place, call in enumerate(between)
    )


def excuse(journal: Journal, earlier: Call, later: Call) -> str | None:
    """Why the later call was made beside, or after, the earlier one; None: for no good reason."""
    if earlier.submission != later.submission and _is_over_without_success(journal, earlier, later):
        return "it was asked for anew"
    if earlier.ending in _UNPAID:
        return "the earlier one was not paid for"
    if earlier.ending is FailureKind.OUTCOME_UNKNOWN and _may_repeat_unknown(journal, earlier):
        return "the caller wants unknown outcomes repeated"
    return _fault(journal, earlier, later)


def _fault(journal: Journal, earlier: Call, later: Call) -> str | None:
    process = earlier.process
    stored = _stored_at(journal, earlier)
    if journal.killed.get(process, inf) <= min(stored, later.time.start):
        return "its worker was killed before the answer was stored"
    for frozen in journal.frozen.get(process, ()):
        long_enough = min(frozen.end, later.time.start) - frozen.start >= CLAIM_SECONDS - _ONE_BEAT
        if long_enough and frozen.touches(earlier.time.start, min(stored, later.time.start)):
            return "its worker was frozen beyond the life of its claim"
    if earlier.ending == "cut" and journal.drained.get(process, inf) <= earlier.time.end:
        return "its worker drained and gave it back"
    return _store_trouble(journal, earlier, later)


def _store_trouble(journal: Journal, earlier: Call, later: Call) -> str | None:
    """Without the store, workers know only of their own runs: who runs what, and what went on as
    another attempt."""
    since = journal.accepted[earlier.task_id][0].at
    same_run = earlier.process is later.process and earlier.attempt == later.attempt
    alone = earlier is journal.calls[earlier.task_id][journal.calls[later.task_id].index(later) - 1]
    if (same_run and alone) or not journal.trouble_between(since, later.time.start):
        return None
    moved = [*journal.losses, *journal.hand_overs, *journal.killed.values()]
    moved += journal.drained.values()
    moved += [accepted.at for accepted in journal.accepted[earlier.task_id][1:]]
    if any(since <= moment <= later.time.start for moment in moved):
        return "the store was in trouble while the message went to another worker"
    return None


def _is_over_without_success(journal: Journal, earlier: Call, later: Call) -> bool:
    if earlier.ending == "running":
        return False
    return earlier.ending != "answered" or not any(
        stored.succeeded
        for stored in journal.stored
        if stored.claim.claimant.task_id == earlier.task_id
        and stored.at <= later.time.start
        and not journal.trouble_between(stored.at, later.time.start)
    )


def _stored_at(journal: Journal, call: Call) -> float:
    """When a result of this submission was stored first."""
    return min(
        (
            stored.at
            for stored in journal.stored
            if stored.claim.claimant.task_id == call.task_id
            and stored.claim.claimant.submission == call.submission
        ),
        default=inf,
    )


def _may_repeat_unknown(journal: Journal, call: Call) -> bool:
    message = next(
        each.message
        for each in journal.accepted[call.task_id]
        if each.submission == call.submission
    )
    task = decode_task(message.body, message.content_type)
    return task.on_unknown_outcome is UnknownOutcomePolicy.RETRY
