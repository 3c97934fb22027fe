"""Tasks and results to put on a board."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from llmbus.ops.cli.board import Board
from llmbus.shared import (
    AgentTask,
    ExecutionResult,
    ExecutionStatus,
    FailureKind,
    TaskPriority,
    Usage,
)
from llmbus.shared.result import Failure


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def task(task_id: str, priority: TaskPriority = TaskPriority.MEDIUM, **fields: Any) -> AgentTask:
    values: dict[str, Any] = {"description": "Say hello.", "agent": "gpt-4"} | fields
    return AgentTask(task_id, f"Title of {task_id}", priority=priority, **values)


def success(task_id: str, attempts: int = 1, usage: Usage | None = None) -> ExecutionResult:
    return ExecutionResult(
        task_id, "gpt-4", ExecutionStatus.SUCCESS, _NOW, attempts=attempts, usage=usage
    )


def failed(task_id: str, kind: FailureKind, message: str) -> ExecutionResult:
    return ExecutionResult(
        task_id,
        "gpt-4",
        ExecutionStatus.FAILED,
        _NOW,
        error=message,
        attempts=1,
        failure=Failure(kind, message),
    )


def board(*tasks: AgentTask) -> tuple[Board, Clock]:
    clock = Clock()
    return Board(tasks, clock), clock


_NOW = datetime(2026, 11, 22, tzinfo=UTC)
