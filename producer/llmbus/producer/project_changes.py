"""Changing the fields of a task that is in a project: all that was asked for, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmbus.producer.project import Project
from llmbus.producer.project_record import TaskRecord
from llmbus.shared.errors import InvalidTaskError
from llmbus.shared.task import AgentTask

__all__ = ["apply_changes"]

_ELSEWHERE: Final = {
    "task_id": "remove the task and add another one",
    "status": "use start_task, complete_task, fail_task, cancel_task or reopen_task",
    "started_at": "start_task sets it",
    "completed_at": "complete_task sets it",
}


def apply_changes(project: Project, record: TaskRecord, changes: Mapping[str, Any]) -> None:
    """`InvalidTaskError` or `DependencyError`; then the task is as it was."""
    task = record.task
    for name in changes:
        if name in _ELSEWHERE:
            raise InvalidTaskError(f"{name} cannot be updated: {_ELSEWHERE[name]}")
        if name not in AgentTask.__struct_fields__:
            raise InvalidTaskError(f"a task has no field {name!r}")
    checked = AgentTask.from_dict({**task.to_dict(), **changes})
    if "dependencies" in changes:
        project.change_dependencies(task, checked.dependencies)
    for name in changes:
        if name != "dependencies":
            setattr(task, name, getattr(checked, name))
    project.reconsider(record)
