"""The ladder of wait queues on which a task stands before its next attempt.

A broker only delays well in queues of one fixed delay each (with a delay per message, a short one
waits behind a long one). So every rung is a queue, and the jitter that keeps a thousand failed
tasks from returning in one instant is a choice among three neighbouring rungs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

__all__ = ["DEFAULT_LADDER", "RetryLadder"]

_JITTER: Final = (0.8, 1.0, 1.2)


@dataclass(frozen=True)
class RetryLadder:
    """The nominal delays, shortest first."""

    steps: tuple[timedelta, ...]

    def __post_init__(self) -> None:
        if not self.steps or list(self.steps) != sorted(set(self.steps)):
            raise ValueError("the retry delays must be given shortest first, each once")
        if self.steps[0] < timedelta(milliseconds=5):
            raise ValueError("a retry delay must be at least 5 ms")

    def rungs(self, step: int) -> tuple[timedelta, ...]:
        """The three delays around the given step; the last step serves all that lie above it."""
        nominal = self.steps[min(step, len(self.steps) - 1)]
        return tuple(_whole_milliseconds(nominal * factor) for factor in _JITTER)

    def at_least(self, delay: timedelta) -> timedelta:
        """The shortest rung that is not shorter; beyond the ladder's end the longest."""
        rungs = self.all_rungs()
        return next((rung for rung in rungs if rung >= delay), rungs[-1])

    def all_rungs(self) -> tuple[timedelta, ...]:
        """Every delay that has a wait queue, shortest first."""
        return tuple(sorted({rung for step in range(len(self.steps)) for rung in self.rungs(step)}))


def _whole_milliseconds(delay: timedelta) -> timedelta:
    return timedelta(milliseconds=round(delay / timedelta(milliseconds=1)))


DEFAULT_LADDER: Final = RetryLadder(
    tuple(timedelta(seconds=seconds) for seconds in (1, 5, 15, 60, 300, 900, 3600))
)
