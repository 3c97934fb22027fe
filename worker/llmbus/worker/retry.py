"""When to try again: a pure function of attempt, failure and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llmbus.shared.ladder import RetryLadder
from llmbus.shared.result import Failure

__all__ = ["RetryPolicy"]

Choose = Callable[[Sequence[timedelta]], timedelta]
"""Picks one of several delays; `random.choice` in earnest."""


@dataclass(frozen=True)
class RetryPolicy:
    """One step up the ladder for each attempt. The only retry authority: SDK retries are off."""

    ladder: RetryLadder
    max_attempts: int = 3

    def next_delay(
        self,
        failure: Failure,
        *,
        attempt: int,
        max_attempts: int | None,
        deadline: datetime | None,
        now: datetime,
        choose: Choose,
    ) -> timedelta | None:
        """How long to wait before the next attempt, or None to give up: when the failure is not
        retryable, the attempts are used up, or the deadline would pass while waiting."""
        limit = self.max_attempts if max_attempts is None else max_attempts
        if not failure.retryable or attempt >= limit:
            return None
        delay = choose(self._delays(attempt, failure.retry_after_seconds))
        if deadline is not None and now + delay >= deadline:
            return None
        return delay

    def _delays(self, attempt: int, retry_after_seconds: float | None) -> Sequence[timedelta]:
        """The rungs to choose among. A provider's Retry-After is rounded up to the next rungs, at
        most three; beyond the ladder's end the longest rung has to do."""
        rungs = self.ladder.rungs(attempt - 1)
        if retry_after_seconds is None or rungs[0].total_seconds() >= retry_after_seconds:
            return rungs
        every = self.ladder.all_rungs()
        late_enough = [rung for rung in every if rung.total_seconds() >= retry_after_seconds]
        return late_enough[:3] or every[-1:]
