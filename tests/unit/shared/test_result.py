"""`ExecutionResult` keeps the interface of existing callers and carries usage and failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.errors import InvalidTaskError

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_defaults_are_those_of_the_old_interface() -> None:
    result = ExecutionResult("t1", "gpt-4", ExecutionStatus.PENDING, START)
    assert (result.completed_at, result.output, result.error) == (None, "", "")
    assert result.metadata == {}
    assert result.duration_seconds is None


def test_duration_is_known_once_completed() -> None:
    result = ExecutionResult("t1", "gpt-4", ExecutionStatus.SUCCESS, START)
    result.completed_at = START + timedelta(seconds=2.5)
    assert result.duration_seconds == 2.5


def test_round_trip_keeps_usage_and_failure() -> None:
    result = ExecutionResult(
        "t1",
        "gpt-4",
        ExecutionStatus.FAILED,
        START,
        attempts=3,
        usage=Usage(10, 5, cached_tokens=4, reasoning_tokens=1, cost_usd=0.01),
        worker_id="w1",
        failure=Failure(FailureKind.ACCOUNT, "no money", provider_code="insufficient_quota"),
    )
    values = result.to_dict()
    assert values["status"] == "failed"
    assert values["failure"]["kind"] == "account"
    assert ExecutionResult.from_dict(values) == result


def test_unknown_cost_is_not_zero() -> None:
    assert Usage(1, 1).cost_usd is None


def test_unreadable_result_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidTaskError, match="status"):
        ExecutionResult.from_dict({"task_id": "t1", "agent": "a", "status": "?"})
