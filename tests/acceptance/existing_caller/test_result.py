"""An existing caller's results: names, defaults and wire values of before."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from llmbus.shared import ExecutionResult, ExecutionStatus

BEGUN = datetime(2026, 1, 2, 3, 4, 5)
DEFAULTS: dict[str, Any] = {"completed_at": None, "output": "", "error": "", "metadata": {}}


def test_wire_values_of_the_status() -> None:
    assert {member.name: member.value for member in ExecutionStatus} == {
        "PENDING": "pending",
        "IN_PROGRESS": "in_progress",
        "SUCCESS": "success",
        "FAILED": "failed",
        "CANCELLED": "cancelled",
    }


@pytest.mark.parametrize(("field", "default"), DEFAULTS.items())
def test_default(field: str, default: Any) -> None:
    result = ExecutionResult("t-1", "gpt-4", ExecutionStatus.SUCCESS, BEGUN)
    assert getattr(result, field) == default


def test_fields_come_in_this_order() -> None:
    ended = BEGUN + timedelta(seconds=90)
    result = ExecutionResult(
        "t-1", "gpt-4", ExecutionStatus.FAILED, BEGUN, ended, "out", "err", {"exit_code": 1}
    )
    assert (result.task_id, result.agent, result.status) == ("t-1", "gpt-4", "failed")
    assert (result.started_at, result.completed_at) == (BEGUN, ended)
    assert (result.output, result.error, result.metadata) == ("out", "err", {"exit_code": 1})


def test_duration_is_known_once_completed() -> None:
    result = ExecutionResult(
        task_id="t-1", agent="gpt-4", status=ExecutionStatus.IN_PROGRESS, started_at=BEGUN
    )
    assert result.duration_seconds is None
    result.completed_at = BEGUN + timedelta(seconds=90)
    assert result.duration_seconds == 90.0


def test_dict_is_plain_json() -> None:
    values = ExecutionResult("t-1", "gpt-4", ExecutionStatus.SUCCESS, BEGUN).to_dict()
    assert json.loads(json.dumps(values)) == values
    named = {name: values[name] for name in ("task_id", "agent", "status", "started_at")}
    assert named == {
        "task_id": "t-1",
        "agent": "gpt-4",
        "status": "success",
        "started_at": "2026-01-02T03:04:05",
    }
    assert {name: values[name] for name in DEFAULTS} == DEFAULTS
