"""When to try again: a pure function of the failure, what went before, and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from llmbus.shared.ladder import RetryLadder
from llmbus.shared.result import Failure, FailureKind
from llmbus.shared.task import UnknownOutcomePolicy

__all__ = ["GiveUp", "RetryPolicy", "Standing"]

Choose = Callable[[Sequence[timedelta]], timedelta]
"""Picks one of several delays; `random.choice` in earnest."""


class GiveUp(Enum):
    """Why no further attempt is made."""

    NOT_RETRYABLE = auto()
    """Another attempt would fail as well, or might be paid twice."""
    USED_UP = auto()
    """The failure may pass, but the attempts, or the budget of its kind, are used up."""
    TOO_LATE = auto()
    """The deadline would pass while waiting."""


@dataclass(frozen=True)
class Standing:
    """Where a task stands when one of its attempts has failed."""

    attempt: int
    """Which attempt failed; the first is 1."""
    earlier: Mapping[str, int]
    """How many attempts before failed in which kind."""
    max_attempts: int | None
    """The task's own bound; None leaves it to the policy."""
    on_unknown_outcome: UnknownOutcomePolicy
    deadline: datetime | None


@dataclass(frozen=True)
class RetryPolicy:
    """The only retry authority: SDK retries are off, and the attempt number travels with the task
    through retries, redeliveries and the fallback."""

    ladder: RetryLadder
    max_attempts: int = 3
    budgets: Mapping[FailureKind, int] = field(default_factory=dict[FailureKind, int])
    """How many attempts may fail in one kind before the task is given up. No entry: no bound of its
    own."""

    def decide(
        self, failure: Failure, standing: Standing, now: datetime, choose: Choose
    ) -> timedelta | GiveUp:
        """How long to wait before the next attempt, or why there is none.

        Each failure of one kind waits a step longer than the one before; a provider's Retry-After
        is rounded up to the next rung.
        """
        if not _may_be_repeated(failure, standing.on_unknown_outcome):
            return GiveUp.NOT_RETRYABLE
        failed_alike = standing.earlier.get(failure.kind, 0)
        limit = self.max_attempts if standing.max_attempts is None else standing.max_attempts
        budget = self.budgets.get(failure.kind, limit)
        if standing.attempt >= limit or failed_alike + 1 >= budget:
            return GiveUp.USED_UP
        delay = choose(self._delays(failed_alike, failure.retry_after_seconds))
        if standing.deadline is not None and now + delay >= standing.deadline:
            return GiveUp.TOO_LATE
        return delay

    def _delays(self, step: int, retry_after_seconds: float | None) -> Sequence[timedelta]:
        """The rungs to choose among. A provider's Retry-After is rounded up to the next rungs, at
        most three; beyond the ladder's end the longest rung has to do."""
        rungs = self.ladder.rungs(step)
        if retry_after_seconds is None or rungs[0].total_seconds() >= retry_after_seconds:
            return rungs
        every = self.ladder.all_rungs()
        late_enough = [rung for rung in every if rung.total_seconds() >= retry_after_seconds]
        return late_enough[:3] or every[-1:]


def _may_be_repeated(failure: Failure, on_unknown_outcome: UnknownOutcomePolicy) -> bool:
    if failure.kind is FailureKind.OUTCOME_UNKNOWN:
        return on_unknown_outcome is UnknownOutcomePolicy.RETRY
    return failure.retryable
