"""How a run ended: a closed set. Settlement has one branch for each member and no others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from llmbus.shared.result import ExecutionResult, Failure

__all__ = ["Completed", "Expired", "Failed", "Interrupted", "Outcome", "Parked", "RetryLater"]


@dataclass(frozen=True, slots=True)
class Completed:
    """The agent answered."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The attempt failed in a way that another one may mend; it starts after `delay`."""

    failure: Failure
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Failed:
    """No further attempt will be made."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class Expired:
    """The deadline passed, before the run or during it."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class Interrupted:
    """This worker stops: the task goes back to its queue and no attempt is charged."""


@dataclass(frozen=True, slots=True)
class Parked:
    """Nobody can deal with this message; it is kept with the reason, for the operator."""

    reason: str


Outcome = Completed | RetryLater | Failed | Expired | Interrupted | Parked
