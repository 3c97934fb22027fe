"""An existing caller's tasks: names, defaults and wire values of before."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from typing import Any

import pytest

from llmbus.shared import AgentTask, ProjectPhase, TaskPriority, TaskStatus

REQUIRED: dict[str, Any] = {
    "task_id": "t-1",
    "title": "Write the API",
    "description": "Write it in Python.",
    "agent": "claude-code",
}
DEFAULTS: dict[str, Any] = {
    "priority": TaskPriority.MEDIUM,
    "phase": ProjectPhase.DEVELOPMENT,
    "dependencies": [],
    "estimated_hours": 1.0,
    "deliverables": [],
    "success_criteria": [],
    "commands": [],
    "tags": [],
    "output_files": [],
    "status": TaskStatus.PENDING,
    "started_at": None,
    "completed_at": None,
    "notes": "",
    "metadata": {},
}
EVERY_FIELD: dict[str, Any] = {
    **REQUIRED,
    "priority": TaskPriority.CRITICAL,
    "phase": ProjectPhase.TESTING,
    "dependencies": ["t-0"],
    "estimated_hours": 2.5,
    "deliverables": ["api.py"],
    "success_criteria": ["tests pass"],
    "commands": ["make test"],
    "tags": ["api"],
    "output_files": ["api.py"],
    "status": TaskStatus.IN_PROGRESS,
    "started_at": datetime(2026, 1, 2, 3, 4, 5),
    "completed_at": datetime(2026, 1, 2, 4, 4, 5),
    "notes": "begun",
    "metadata": {"use_direct_llm": False, "model": "gpt-4o", "context": {"a": [1]}},
}


@pytest.mark.parametrize(("field", "default"), DEFAULTS.items())
def test_default(field: str, default: Any) -> None:
    assert getattr(AgentTask(**REQUIRED), field) == default


def test_required_fields_come_first_and_in_this_order() -> None:
    task = AgentTask("t-1", "Write the API", "Write it in Python.", "claude-code")
    assert {field: getattr(task, field) for field in REQUIRED} == REQUIRED


def test_tasks_share_no_defaults() -> None:
    first, second = AgentTask(**REQUIRED), AgentTask(**REQUIRED)
    first.metadata["use_direct_llm"] = False
    first.tags.append("mine")
    first.dependencies.append("t-0")
    assert (second.metadata, second.tags, second.dependencies) == ({}, [], [])


@pytest.mark.parametrize("field", REQUIRED)
@pytest.mark.parametrize("empty", ["", "   "])
def test_empty_required_field_is_named(field: str, empty: str) -> None:
    spoilt: dict[str, Any] = {**REQUIRED, field: empty}
    with pytest.raises(ValueError, match=f"{field} is required"):
        AgentTask(**spoilt)


@pytest.mark.parametrize("field", REQUIRED)
def test_required_field_that_is_missing_from_a_dict_is_named(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is required"):
        AgentTask.from_dict({name: value for name, value in REQUIRED.items() if name != field})


@pytest.mark.parametrize("hours", [0, -1, -0.5])
def test_hours_must_be_positive(hours: float) -> None:
    with pytest.raises(ValueError, match="estimated_hours must be positive"):
        AgentTask(**REQUIRED, estimated_hours=hours)


WIRE: list[tuple[type[Enum], dict[str, str]]] = [
    (
        TaskPriority,
        {"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"},
    ),
    (
        ProjectPhase,
        {
            "PLANNING": "planning",
            "DESIGN": "design",
            "DEVELOPMENT": "development",
            "TESTING": "testing",
            "DEPLOYMENT": "deployment",
            "MAINTENANCE": "maintenance",
        },
    ),
    (
        TaskStatus,
        {
            "PENDING": "pending",
            "IN_PROGRESS": "in_progress",
            "BLOCKED": "blocked",
            "COMPLETED": "completed",
            "FAILED": "failed",
            "CANCELLED": "cancelled",
        },
    ),
]


@pytest.mark.parametrize(("enum", "values"), WIRE)
def test_wire_values(enum: type[Enum], values: dict[str, str]) -> None:
    assert {member.name: member.value for member in enum} == values


def test_round_trip_keeps_every_field() -> None:
    task = AgentTask(**EVERY_FIELD)
    again = AgentTask.from_dict(json.loads(json.dumps(task.to_dict())))
    assert {field: getattr(again, field) for field in EVERY_FIELD} == EVERY_FIELD
    assert again == task


def test_dict_is_plain_json() -> None:
    values = AgentTask(**EVERY_FIELD).to_dict()
    assert {field: values[field] for field in ("priority", "phase", "status", "started_at")} == {
        "priority": "critical",
        "phase": "testing",
        "status": "in_progress",
        "started_at": "2026-01-02T03:04:05",
    }
    assert set(EVERY_FIELD) <= set(values)


def test_saved_state_of_before_is_read() -> None:
    saved = {**REQUIRED, "priority": "high", "status": "completed", "field_of_before": 1}
    task = AgentTask.from_dict(saved)
    assert (task.priority, task.status) == (TaskPriority.HIGH, TaskStatus.COMPLETED)


@pytest.mark.parametrize(
    ("status", "completed", "ready", "blocked"),
    [
        (TaskStatus.PENDING, ["a", "b"], True, False),
        (TaskStatus.PENDING, ["a"], False, True),
        (TaskStatus.PENDING, [], False, True),
        (TaskStatus.IN_PROGRESS, ["a", "b"], False, False),
        (TaskStatus.COMPLETED, ["a", "b"], False, False),
    ],
)
def test_ready_and_blocked(
    status: TaskStatus, completed: list[str], ready: bool, blocked: bool
) -> None:
    task = AgentTask(**REQUIRED, dependencies=["a", "b"], status=status)
    assert (task.is_ready(completed), task.is_blocked(completed)) == (ready, blocked)
    assert (task.is_ready(set(completed)), task.is_blocked(set(completed))) == (ready, blocked)
