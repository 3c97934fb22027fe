"""One attempt at a task under its time limit, for those who run tasks in their own process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import msgspec

from llmbus.shared.agents import AgentConfig
from llmbus.shared.clock import Clock
from llmbus.shared.errors import InvalidInputError, InvalidTaskError
from llmbus.shared.result import (
    ExecutionResult,
    ExecutionStatus,
    Failure,
    FailureKind,
    unanswered_result,
)
from llmbus.shared.task import AgentTask
from llmbus.worker.executor import failed_result
from llmbus.worker.llm_abstractions.redaction import without_secrets
from llmbus.worker.time_limit import TimeLimit

__all__ = ["Attempts", "Run", "refused_result", "task_for"]

Run = Callable[[TimeLimit], Awaitable[ExecutionResult]]
"""Runs the task once, and raises `TimeoutError` if the limit cut it."""


@dataclass(frozen=True)
class Attempts:
    """Makes attempts; `timeout` holds for tasks that do not say."""

    clock: Clock
    timeout: timedelta

    async def make(
        self, task: AgentTask, agent: AgentConfig, run: Run, *, execution_mode: str
    ) -> ExecutionResult:
        """The complete result of one run of the task by this agent. Never raises, except when it
        is cancelled. A task whose deadline has passed is not run."""
        started_at = self.clock.now()

        def failed(failure: Failure, attempts: int) -> ExecutionResult:
            result = failed_result(task, failure, started_at)
            metadata = {"execution_mode": execution_mode}
            return msgspec.structs.replace(
                result, agent=agent.name, attempts=attempts, metadata=metadata
            )

        limit = TimeLimit.of(task, self.timeout, started_at)
        if limit.is_over:
            return self._completed(failed(limit.failure(), 0))
        try:
            result = await run(limit)
        except TimeoutError:
            result = failed(limit.failure(), 1)
        except Exception as error:
            result = failed(_defect(error, agent), 1)
        if result.status is not ExecutionStatus.PENDING:
            result.attempts = 1
        return self._completed(result)

    def _completed(self, result: ExecutionResult) -> ExecutionResult:
        """What a person has yet to do is not completed."""
        if result.status is not ExecutionStatus.PENDING:
            result.completed_at = self.clock.now()
        return result


def task_for(task: AgentTask, agent: AgentConfig) -> AgentTask:
    """The task as it is put to this agent; the caller's own stays as it is. `InvalidTaskError` if
    a field was set to a wrong value after construction."""
    metadata = cast("object", task.metadata)
    if not isinstance(metadata, Mapping):
        raise InvalidTaskError(f"metadata must be a dict, not {type(metadata).__name__}")
    return msgspec.structs.replace(task, agent=agent.name)


def refused_result(
    task: AgentTask, agent: str, kind: FailureKind, error: InvalidInputError, now: datetime
) -> ExecutionResult:
    """The result of a task that cannot be run as it was asked. No run was started."""
    failure = Failure(kind, str(error))
    return unanswered_result(task.task_id, agent, failure, started_at=now, now=now)


def _defect(error: Exception, agent: AgentConfig) -> Failure:
    text = without_secrets(f"{type(error).__name__}: {error}", agent.api_key)
    return Failure(FailureKind.INTERNAL, text)
