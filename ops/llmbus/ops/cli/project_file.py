"""Bringing the tasks of a file and the state of an earlier run together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmbus.producer import ProjectOrchestrator
from llmbus.shared.task import AgentTask, TaskStatus

__all__ = ["TakenUp", "take_up"]

_THE_RUN_SETS: Final = frozenset(
    {"task_id", "status", "started_at", "completed_at", "notes", "output_files", "created_at"}
)
_FIXED: Final = frozenset({TaskStatus.COMPLETED, TaskStatus.IN_PROGRESS})
_ENDED_WITHOUT_SUCCESS: Final = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})


@dataclass(frozen=True)
class TakenUp:
    """What an earlier run had left."""

    completed: int
    in_progress: int
    failed: list[str]
    """Task ids of what has failed or was cancelled."""
    changed: list[str]
    """Task ids that the file describes differently now, but that are completed or under way."""


def take_up(project: ProjectOrchestrator, tasks: Sequence[AgentTask]) -> TakenUp:
    """Make the project hold exactly these tasks. What is completed or under way stays as it is;
    of anything else, the file's description counts."""
    before = {task.task_id: task for task in project.tasks}
    wanted = {task.task_id: task for task in tasks}
    changes = {
        task_id: _differences(known, wanted[task_id])
        for task_id, known in before.items()
        if task_id in wanted
    }
    changed = [name for name in changes if changes[name] and before[name].status in _FIXED]
    # No dependency of old may be in the way: neither of a removal nor, as a circle, of a new one.
    for task_id in before:
        if "dependencies" in changes.get(task_id, {"dependencies": []}):
            project.update_task(task_id, dependencies=[])
    project.add_tasks([_unstarted(task) for task in tasks if task.task_id not in before])
    for task_id, fields in changes.items():
        keeps_all_but_order = before[task_id].status in _FIXED
        project.update_task(
            task_id, **(_only_dependencies(fields) if keeps_all_but_order else fields)
        )
    _remove(project, [task_id for task_id in before if task_id not in wanted])
    known = [task for task_id, task in before.items() if task_id in wanted]
    statuses = [task.status for task in known]
    return TakenUp(
        completed=statuses.count(TaskStatus.COMPLETED),
        in_progress=statuses.count(TaskStatus.IN_PROGRESS),
        failed=[task.task_id for task in known if task.status in _ENDED_WITHOUT_SUCCESS],
        changed=changed,
    )


def _differences(known: AgentTask, wanted: AgentTask) -> dict[str, Any]:
    before, after = known.to_dict(), wanted.to_dict()
    return {
        name: after[name]
        for name in after
        if name not in _THE_RUN_SETS and after[name] != before[name]
    }


def _only_dependencies(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in fields if name == "dependencies"}


def _unstarted(task: AgentTask) -> AgentTask:
    """What a file says of a task that was under way somewhere else says nothing here."""
    if task.status is not TaskStatus.COMPLETED:
        task.status = TaskStatus.PENDING
    return task


def _remove(project: ProjectOrchestrator, task_ids: Iterable[str]) -> None:
    for task_id in task_ids:
        task = project.get_task(task_id)
        if task is not None and task.status is TaskStatus.IN_PROGRESS:
            project.cancel_task(task_id)
        project.remove_task(task_id)
