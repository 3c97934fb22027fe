"""`AgentTask` keeps the names, defaults, wire values and errors that existing callers rely on."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbus.shared import AgentTask, ProjectPhase, TaskPriority, TaskStatus
from llmbus.shared.errors import InvalidTaskError, UnsupportedSchemaError

REQUIRED: dict[str, Any] = {
    "task_id": "t1",
    "title": "Title",
    "description": "Do it.",
    "agent": "gpt-4",
}

TEXT = st.text(min_size=1).filter(lambda text: bool(text.strip()))
TASKS = st.builds(
    AgentTask,
    task_id=TEXT,
    title=TEXT,
    description=TEXT,
    agent=TEXT,
    priority=st.sampled_from(TaskPriority),
    phase=st.sampled_from(ProjectPhase),
    status=st.sampled_from(TaskStatus),
    dependencies=st.lists(TEXT, max_size=3),
    estimated_hours=st.floats(min_value=0.01, max_value=1e6),
    notes=st.text(),
    started_at=st.none() | st.datetimes(),
    completed_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    deadline=st.none() | st.datetimes(timezones=st.just(UTC)),
    metadata=st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text() | st.booleans()),
    max_attempts=st.none() | st.integers(1, 100),
    tenant=st.none() | TEXT,
)


def test_defaults_are_those_of_the_old_interface() -> None:
    task = AgentTask(**REQUIRED)
    assert task.priority is TaskPriority.MEDIUM
    assert task.phase is ProjectPhase.DEVELOPMENT
    assert task.status is TaskStatus.PENDING
    assert task.estimated_hours == 1.0
    assert (task.notes, task.metadata) == ("", {})
    assert (task.started_at, task.completed_at) == (None, None)
    for name in (
        "dependencies",
        "deliverables",
        "success_criteria",
        "commands",
        "tags",
        "output_files",
    ):
        assert getattr(task, name) == []


def test_two_tasks_share_no_default() -> None:
    one, other = AgentTask(**REQUIRED), AgentTask(**REQUIRED)
    one.metadata["use_direct_llm"] = False
    one.tags.append("x")
    assert (other.metadata, other.tags) == ({}, [])


@pytest.mark.parametrize("field", REQUIRED)
@pytest.mark.parametrize("value", ["", "  ", None])
def test_empty_required_field_is_a_value_error_that_names_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field} is required$"):
        AgentTask(**{**REQUIRED, field: value})


@pytest.mark.parametrize("field", REQUIRED)
def test_missing_required_key_is_a_value_error_that_names_it(field: str) -> None:
    values = {name: value for name, value in REQUIRED.items() if name != field}
    with pytest.raises(ValueError, match=f"^{field} is required$"):
        AgentTask.from_dict(values)


@pytest.mark.parametrize("field", ["estimated_hours", "timeout_seconds", "max_attempts"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "soon"])
def test_number_that_is_not_positive_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidTaskError, match=f"{field} must be positive"):
        AgentTask(**REQUIRED, **{field: value})


def test_deadline_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidTaskError, match="deadline needs a time zone"):
        AgentTask(**REQUIRED, deadline=datetime(2027, 1, 1))


def test_unknown_schema_version_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedSchemaError, match="schema_version 2"):
        AgentTask.from_dict({**REQUIRED, "schema_version": 2})


def test_unknown_keys_are_ignored() -> None:
    assert AgentTask.from_dict({**REQUIRED, "colour": "blue"}).task_id == "t1"


def test_wrong_type_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidTaskError, match=r"priority"):
        AgentTask.from_dict({**REQUIRED, "priority": "yesterday"})


def test_wire_values_are_plain() -> None:
    values = AgentTask(**REQUIRED, priority=TaskPriority.CRITICAL).to_dict()
    assert (values["priority"], values["phase"], values["status"]) == (
        "critical",
        "development",
        "pending",
    )
    assert isinstance(values["created_at"], str)


@given(TASKS)
def test_round_trip_keeps_every_field(task: AgentTask) -> None:
    assert AgentTask.from_dict(task.to_dict()) == task


def test_readiness_follows_from_dependencies_and_status() -> None:
    task = AgentTask(**REQUIRED, dependencies=["a", "b"])
    assert task.is_blocked({"a"})
    assert not task.is_ready({"a"})
    assert not task.is_blocked(["a", "b"])
    assert task.is_ready({"a", "b", "c"})
    task.status = TaskStatus.IN_PROGRESS
    assert not task.is_ready({"a", "b"})


def test_priorities_map_to_amqp() -> None:
    assert [priority.amqp for priority in TaskPriority] == [9, 7, 4, 1]
