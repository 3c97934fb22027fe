"""The declared reasons for which a task is paid for again. Anything else is a broken promise."""

from __future__ import annotations

from llmbus.shared import FailureKind
from llmbus.shared.task import UnknownOutcomePolicy
from tests.model.fault_excuses import excusing_fault
from tests.model.journal import Call, Journal

__all__ = ["unexcused_calls"]

_UNPAID = (FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE)


def unexcused_calls(journal: Journal, task_id: str) -> list[str]:
    """Each pair of calls, the last of this task and one before, that nothing declared explains."""
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
    if _excuse(journal, earlier, later) is not None:
        return True
    return any(
        _excuse(journal, earlier, call) is not None
        and _is_explained(journal, call, between[place + 1 :], later)
        for place, call in enumerate(between)
    )


def _excuse(journal: Journal, earlier: Call, later: Call) -> str | None:
    """Why the later call was made beside, or after, the earlier one; None: for no good reason."""
    anew = earlier.run.submission != later.run.submission
    if anew and _is_over_without_success(journal, earlier, later):
        return "it was asked for anew"
    goes_on = later.run.attempt > earlier.run.attempt
    if goes_on and earlier.ending in _UNPAID:
        return "the earlier one was not paid for"
    unknown = earlier.ending is FailureKind.OUTCOME_UNKNOWN and not earlier.by_script
    policy = journal.asked_of(earlier.run).on_unknown_outcome
    if goes_on and unknown and policy is UnknownOutcomePolicy.RETRY:
        return "the caller wants unknown outcomes repeated"
    return excusing_fault(journal, earlier.run, later.run, later.time.start)


def _is_over_without_success(journal: Journal, earlier: Call, later: Call) -> bool:
    if earlier.ending == "running":
        return False
    return earlier.ending != "answered" or not any(
        stored.succeeded
        and stored.task_id == earlier.task_id
        and stored.at <= later.time.start
        and not journal.forgot_between(stored.at, later.time.start)
        for stored in journal.stored
    )
