"""How a run ended: a closed set. Settlement has one branch for each member and no others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from llmbus.shared.result import ExecutionResult, Failure, Usage
from llmbus.shared.store.claims import StoredResult

__all__ = [
    "CancelledByCaller",
    "Completed",
    "Duplicate",
    "Expired",
    "Failed",
    "FailedAndParked",
    "HeldElsewhere",
    "Interrupted",
    "Outcome",
    "Outdated",
    "Parked",
    "RetryLater",
    "SendToFallback",
]


@dataclass(frozen=True, slots=True)
class Completed:
    """The agent answered."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The attempt failed in a way that another one may mend; it starts after `delay`."""

    failure: Failure
    delay: timedelta
    spent: Usage | None = None


@dataclass(frozen=True, slots=True)
class SendToFallback:
    """The direct path cannot serve the task: the fallback consumer takes it over."""

    reason: str
    """A value of `FallbackReason`."""
    failure: Failure | None
    attempt: int
    """Which attempt the fallback's run will be."""
    spent: Usage | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """No further attempt will be made."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class FailedAndParked:
    """The fallback failed, too: the caller gets the result, and the message is kept in parking for
    the operator, who may send it back once the cause is mended."""

    result: ExecutionResult
    reason: str
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class Expired:
    """The deadline passed, before the run or during it."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class CancelledByCaller:
    """Somebody cancelled the task, before the run or during it."""

    result: ExecutionResult


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """Another run of the task is alive: look again later whether it ended or died."""

    holder: str
    expires_in: timedelta
    """When its claim lapses, if it dies now."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The task was answered before: the same answer is given again, and nothing is paid."""

    result: StoredResult


@dataclass(frozen=True, slots=True)
class Outdated:
    """The attempt was over before, and the task went on without this message."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """This worker stops: the task goes back to its queue and no attempt is charged."""


@dataclass(frozen=True, slots=True)
class Parked:
    """Nobody can deal with this message; it is kept with the reason, for the operator."""

    reason: str


Outcome = (
    Completed
    | RetryLater
    | SendToFallback
    | Failed
    | FailedAndParked
    | Expired
    | CancelledByCaller
    | HeldElsewhere
    | Duplicate
    | Outdated
    | Interrupted
    | Parked
)
