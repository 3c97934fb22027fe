"""Executors for projects under test, and tasks for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from llmbus.shared import AgentTask, ExecutionResult, ExecutionStatus

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def task(task_id: str, *dependencies: str, **fields: Any) -> AgentTask:
    return AgentTask(
        task_id, f"Title of {task_id}", "Do it.", "gpt-4", dependencies=list(dependencies), **fields
    )


def result_of(
    task: AgentTask, status: ExecutionStatus = ExecutionStatus.SUCCESS, error: str = ""
) -> ExecutionResult:
    return ExecutionResult(task.task_id, task.agent, status, NOW, NOW, error=error)


class SleepingExecutor:
    """Takes its time for every task, and knows what it did."""

    def __init__(self, seconds: float = 1.0, **seconds_by_task: float) -> None:
        self._seconds = seconds
        self._seconds_by_task = seconds_by_task
        self.failing: set[str] = set()
        self.statuses: dict[str, ExecutionStatus] = {}
        self.calls: Counter[str] = Counter()
        self.agents: dict[str, str | None] = {}
        self.started: list[str] = []
        self.ended: list[str] = []
        self.running: set[str] = set()
        self.most_at_once = 0

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        name = task.task_id
        self.calls[name] += 1
        self.agents[name] = agent
        self.started.append(name)
        self.running.add(name)
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            await asyncio.sleep(self._seconds_by_task.get(name, self._seconds))
        finally:
            self.running.discard(name)
        self.ended.append(name)
        if name in self.failing:
            return result_of(task, ExecutionStatus.FAILED, f"{name} went wrong")
        return result_of(task, self.statuses.get(name, ExecutionStatus.SUCCESS))


class RaisingExecutor:
    """Breaks its promise never to raise."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        raise self._error


def ids(tasks: Collection[AgentTask]) -> list[str]:
    return [task.task_id for task in tasks]
