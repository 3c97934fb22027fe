"""`ExecutionResult`: what the caller gets, with what it cost and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from llmbus.shared.errors import InvalidTaskError, UnsupportedSchemaError
from llmbus.shared.task import SCHEMA_VERSION, Moment

__all__ = [
    "ExecutionResult",
    "ExecutionStatus",
    "Failure",
    "FailureKind",
    "Usage",
    "together",
    "unanswered_result",
]


class ExecutionStatus(StrEnum):
    """How the execution of a task stands. On the bus a result is `success`, `failed`,
    `cancelled`, or `pending` (an interactive agent that a person has to start)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def answers_every_submission(self) -> bool:
        """Whether nothing is gained by asking anew: what an agent said, or that a person is to ask
        it. Anything else answers the submission that came to it."""
        return self in (ExecutionStatus.SUCCESS, ExecutionStatus.PENDING)


class FailureKind(StrEnum):
    """Why a task failed, sorted by what the caller should do about it."""

    RATE_LIMITED = "rate_limited"
    """The provider asked us to slow down: try later."""
    UNAVAILABLE = "unavailable"
    """The provider is overloaded, down or out of reach: try later."""
    TIMEOUT = "timeout"
    """The attempt ran longer than `timeout_seconds`; the call may have been billed."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The request was sent and no answer came; the call may have been billed."""
    EXPIRED = "expired"
    """The deadline passed."""
    CONTEXT_TOO_LONG = "context_too_long"
    """Only a smaller prompt or a larger model helps."""
    REJECTED = "rejected"
    """The provider does not accept the request: fix it."""
    REFUSED = "refused"
    """The model or a filter declined to answer."""
    ACCOUNT = "account"
    """The key, the quota or the payment: fix the account."""
    MISSING_DEPENDENCIES = "missing_dependencies"
    """The provider's SDK is not installed in this worker."""
    MISSING_API_KEY = "missing_api_key"
    """The provider's key is not set in this worker."""
    UNKNOWN_AGENT = "unknown_agent"
    """No such agent, or one that this worker cannot run."""
    SCRIPT = "script"
    """The subprocess script could not run, or gave no usable answer: mend it, then redrive."""
    POISON = "poison"
    """Worker after worker died or froze while it ran this task."""
    INTERNAL = "internal"
    """A defect of ours or of a custom provider; the text says where."""


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt did not succeed, in a form a program can act on."""

    kind: FailureKind
    message: str
    retryable: bool = False
    """Whether another attempt could succeed and is safe to pay for."""
    provider_code: str | None = None
    """The provider's own word for it, such as `insufficient_quota`."""
    retry_after_seconds: float | None = None
    """How long the provider asked us to wait."""


class Usage(msgspec.Struct, frozen=True):
    """What a call consumed. Cached tokens are part of the input, reasoning tokens of the output."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    """None means unknown, never free."""


def together(first: Usage | None, second: Usage | None) -> Usage | None:
    """What two calls consumed. The cost of both is unknown if that of one is."""
    if first is None or second is None:
        return first or second
    costs = first.cost_usd, second.cost_usd
    return Usage(
        first.input_tokens + second.input_tokens,
        first.output_tokens + second.output_tokens,
        first.cached_tokens + second.cached_tokens,
        first.reasoning_tokens + second.reasoning_tokens,
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )


class ExecutionResult(msgspec.Struct):
    """How one task ended. The fields up to `metadata` are those that existing callers use."""

    task_id: str
    agent: str
    status: ExecutionStatus
    started_at: Moment
    completed_at: Moment | None = None
    output: str = ""
    error: str = ""
    metadata: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
    attempts: int = 0
    """How many runs were started, this one included; 0 if the task was turned down unstarted."""
    usage: Usage | None = None
    worker_id: str | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise UnsupportedSchemaError(
                f"schema_version {self.schema_version!r} is unknown here (known: {SCHEMA_VERSION}):"
                " upgrade llmbus on the side that reads it"
            )

    @property
    def duration_seconds(self) -> float | None:
        """From start to completion; None until completed."""
        if self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExecutionResult:
        """The result that `to_dict` described; `InvalidTaskError` names a wrong field."""
        try:
            return msgspec.convert(dict(values), cls)
        except msgspec.ValidationError as error:
            raise InvalidTaskError(str(error)) from error


def unanswered_result(
    task_id: str, agent: str, failure: Failure, *, started_at: datetime, now: datetime
) -> ExecutionResult:
    """The result of a task that failed without an answer, and without cost."""
    return ExecutionResult(
        task_id=task_id,
        agent=agent,
        status=ExecutionStatus.FAILED,
        started_at=started_at,
        completed_at=now,
        error=failure.message,
        failure=failure,
    )
