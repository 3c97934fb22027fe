"""How a project stands, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from llmbus.producer.project_record import TaskRecord
from llmbus.shared.task import AgentTask, ProjectPhase, TaskStatus

__all__ = ["PhaseProgress", "ProjectReport", "report_on"]


class PhaseProgress(msgspec.Struct, frozen=True):
    """How far one phase of a project is."""

    total: int
    completed: int


class ProjectReport(msgspec.Struct, frozen=True):
    """How a project stands at one moment."""

    total: int
    by_status: dict[TaskStatus, int]
    """Every status, also those that no task has."""
    by_phase: dict[ProjectPhase, PhaseProgress]
    """The phases that have tasks."""
    completed_percent: float
    estimated_hours: float
    completed_hours: float
    """Of the estimated ones, those of completed tasks."""
    ready: list[str]
    in_progress: list[str]
    blocked: dict[str, list[str]]
    """Task ids, each with the unfinished tasks that it depends on."""
    failed: dict[str, str]
    """Task ids, each with its error."""

    @property
    def is_completed(self) -> bool:
        """Whether every task is completed."""
        return self.by_status[TaskStatus.COMPLETED] == self.total

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


def report_on(records: Iterable[TaskRecord], ready: Iterable[AgentTask]) -> ProjectReport:
    """The report on these tasks."""
    kept = list(records)
    tasks = [record.task for record in kept]
    completed = {task.task_id for task in tasks if task.status is TaskStatus.COMPLETED}
    statuses = Counter(task.status for task in tasks)
    totals = Counter(task.phase for task in tasks)
    done = Counter(task.phase for task in tasks if task.task_id in completed)
    return ProjectReport(
        total=len(tasks),
        by_status={status: statuses[status] for status in TaskStatus},
        by_phase={
            phase: PhaseProgress(totals[phase], done[phase])
            for phase in ProjectPhase
            if totals[phase]
        },
        completed_percent=100.0 * len(completed) / len(tasks) if tasks else 100.0,
        estimated_hours=sum(task.estimated_hours for task in tasks),
        completed_hours=sum(task.estimated_hours for task in tasks if task.task_id in completed),
        ready=[task.task_id for task in ready],
        in_progress=[task.task_id for task in tasks if task.status is TaskStatus.IN_PROGRESS],
        blocked={
            task.task_id: [name for name in task.dependencies if name not in completed]
            for task in tasks
            if task.status is TaskStatus.BLOCKED
        },
        failed={
            record.task.task_id: record.error
            for record in kept
            if record.task.status is TaskStatus.FAILED
        },
    )
