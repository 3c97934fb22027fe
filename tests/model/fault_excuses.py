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
    if _was_taken_over(journal, earlier, called_at):
        return "its worker was frozen beyond its claim, or the store had forgotten it"
    if _was_not_told(journal, later, called_at):
        return "it called before it heard that the store had forgotten it"
    if earlier.process is later.process and earlier.key == later.key:
        return None  # that much every worker knows by itself
    if later.is_unconfirmed:
        return "nobody could tell it that another run had the task"
    if earlier.is_unclaimed or later.is_unclaimed or earlier.unheard_since <= called_at:
        return "one of the two could not tell the store of itself, or not of its end"
    return None


def _was_taken_over(journal: Journal, earlier: RunFacts, called_at: float) -> bool:
    return any(
        _was_frozen(journal, earlier, taken_at) or _was_forgotten(journal, earlier, taken_at)
        for taken_at in _taken_over(journal, earlier, called_at)
    )


def _was_not_told(journal: Journal, later: RunFacts, called_at: float) -> bool:
    return any(
        _was_forgotten(journal, later, taken_at)
        and journal.awake_seconds(later.process, taken_at, called_at) <= _ONE_BEAT + _MARGIN
        for taken_at in _taken_over(journal, later, called_at)
    )


def _taken_over(journal: Journal, run: RunFacts, called_at: float) -> list[float]:
    """When the store gave the task to others after it was this run's."""
    return [
        at
        for at, other in journal.claims.get(run.task_id, ())
        if other is not run and run.claimed_at <= at <= called_at
    ]


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
    if run.ended_at < taken_at:  # at the same moment, the taking came first: it was given
        return journal.forgot_between(run.ended_at, taken_at)
    if journal.forgot_between(run.refused_at, taken_at):
        return True
    troubles = [moment for moment in journal.emptied if known_since <= moment <= taken_at]
    troubles += [span.end for span in journal.away if known_since <= span.end <= taken_at]
    return any(
        journal.awake_seconds(run.process, moment, taken_at) <= _ONE_BEAT + _MARGIN
        for moment in troubles
    )
