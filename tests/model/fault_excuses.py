"""Which faults excuse that another run called for a task that an earlier run had called for."""

from __future__ import annotations

from math import inf

from tests.model.journal import Journal
from tests.model.loop_clock import LATENCY_SECONDS
from tests.model.runs import RunFacts
from tests.model.workers import CLAIM_SECONDS

__all__ = ["excusing_fault"]

_ONE_BEAT = 1.0 + 2 * LATENCY_SECONDS
"""A living run's claim was renewed so long ago at most, as far as its worker was awake."""
_MARGIN = 2 * LATENCY_SECONDS


def excusing_fault(
    journal: Journal, earlier: RunFacts, later: RunFacts, called_at: float
) -> str | None:
    """What made the later run call beside, or after, the earlier one; None: nothing."""
    if journal.killed.get(earlier.process, inf) <= min(earlier.ended_at, called_at):
        return "its worker was killed before the answer was stored"
    if earlier.given_back_at <= called_at and earlier.process in journal.drained:
        return "its worker drained and gave it back"
    for taken_at in _taken_over(journal, earlier, called_at):
        if (reason := _made_free(journal, earlier, taken_at)) is not None:
            return reason
    for taken_at in _taken_over(journal, later, called_at):
        unheard_for = journal.awake_seconds(later.process, taken_at, called_at)
        if _was_forgotten(journal, later, taken_at) and unheard_for <= _ONE_BEAT + _MARGIN:
            return "it called before it heard that the store had forgotten it"
    if earlier.process is later.process and earlier.key == later.key:
        return None  # that much every worker knows by itself
    if later.is_unclaimed:
        return "another run could not ask the store"
    if earlier.is_unclaimed:
        return "the store never knew of it"
    if earlier.unheard_since <= called_at:
        return "the store could not be told of its end"
    return None


def _taken_over(journal: Journal, run: RunFacts, called_at: float) -> list[float]:
    """When the store gave the task to others after it was this run's."""
    return [
        at
        for at, other in journal.claims.get(run.task_id, ())
        if other is not run and run.claimed_at <= at <= called_at
    ]


def _made_free(journal: Journal, run: RunFacts, taken_at: float) -> str | None:
    """Why the task of this run could be given to another one."""
    if _was_frozen(journal, run, taken_at):
        return "its worker was frozen beyond the life of its claim"
    if _was_forgotten(journal, run, taken_at):
        return "the store had forgotten it when another run asked"
    return None


def _was_frozen(journal: Journal, run: RunFacts, taken_at: float) -> bool:
    """For so long before the take-over that its claim may have lapsed unrenewed."""
    return any(
        frozen.start - _ONE_BEAT + CLAIM_SECONDS - _MARGIN <= taken_at
        and journal.awake_seconds(run.process, frozen.end, taken_at) <= _ONE_BEAT + _MARGIN
        for frozen in journal.frozen.get(run.process, ())
        if frozen.start <= taken_at
    )


def _was_forgotten(journal: Journal, run: RunFacts, taken_at: float) -> bool:
    """The store lost what it knew of this run, which had ended, or had no time to tell it anew."""
    known_since = min(run.claimed_at, run.ended_at)
    if run.ended_at <= taken_at:
        return journal.forgot_between(run.ended_at, taken_at)
    troubles = [moment for moment in journal.emptied if known_since <= moment <= taken_at]
    troubles += [span.end for span in journal.away if known_since <= span.end <= taken_at]
    return any(
        journal.awake_seconds(run.process, moment, taken_at) <= _ONE_BEAT + _MARGIN
        for moment in troubles
    )
