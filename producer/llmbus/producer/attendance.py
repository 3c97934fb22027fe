"""`Attendance`: one task of a project from its start to its recorded end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from llmbus.producer.project import Project
from llmbus.producer.project_record import Submission, TaskRecord
from llmbus.producer.state_writer import StateWriter
from llmbus.producer.task_execution import DurableExecution, TaskExecution
from llmbus.shared.clock import Clock
from llmbus.shared.errors import InvalidInputError, InvalidTaskError
from llmbus.shared.result import (
    ExecutionResult,
    ExecutionStatus,
    Failure,
    FailureKind,
    unanswered_result,
)
from llmbus.shared.task import AgentTask, TaskStatus

__all__ = ["Attendance"]


class Attendance:
    """Sees tasks through. The order is always: record the start, ask, give the result to the
    application, record it, let the executor forget it. A crash in between repeats a step; it
    neither loses a result nor pays for one twice."""

    def __init__(
        self,
        executor: TaskExecution,
        project: Project,
        writer: StateWriter,
        clock: Clock,
        on_result: Callable[[ExecutionResult], None],
    ) -> None:
        self._executor = executor
        self._durable = executor if isinstance(executor, DurableExecution) else None
        self._project = project
        self._writer = writer
        self._clock = clock
        self._on_result = on_result
        self._attended: dict[str, asyncio.Task[ExecutionResult]] = {}
        self._asked: dict[str, asyncio.Task[ExecutionResult]] = {}
        """The part of an attendance that ends with the result; it can be interrupted."""

    def take_over(self, record: TaskRecord) -> None:
        """Of a task that an earlier process has started: go on with it where its result can still
        come, else make it pending again. `InvalidInputError` if only another executor can."""
        submission = record.submission
        if record.task.status is not TaskStatus.IN_PROGRESS or submission is None:
            return
        if submission.address is None:
            self._project.reopen(record)
        elif self._durable is not None and self._durable.address == submission.address:
            self._durable.expect(record.task, submission.agent, submission.at)
        else:
            raise InvalidInputError(
                f"task {record.task.task_id!r} was submitted by the orchestrator"
                f" {submission.address!r}, and its result waits there: go on under that name, or"
                " start anew with another state file"
            )

    def waits_to_go_on(self, record: TaskRecord) -> bool:
        """Whether the task was submitted, and nobody here waits for its result."""
        return record.submission is not None and record.task.task_id not in self._attended

    def start(self, record: TaskRecord, agent: str | None = None) -> asyncio.Task[ExecutionResult]:
        """Start the task, or go on with it; what is returned gives its result. `DependencyError`
        if it is not ready, `InvalidTaskError` if it is not pending, or running."""
        task_id = record.task.task_id
        if task_id in self._attended:
            raise InvalidTaskError(f"task {task_id!r} is running already")
        submission = record.submission
        if submission is None:
            now = self._clock.now()
            address = self._durable.address if self._durable is not None else None
            submission = Submission(now, agent, address)
            self._project.start(record, now, submission)
        attended = asyncio.create_task(
            self._see_through(record, submission), name=f"task {task_id}"
        )
        self._attended[task_id] = attended
        attended.add_done_callback(lambda _: self._attended.pop(task_id))
        return attended

    def interrupt(self, task_id: str) -> None:
        """Nobody wants the task any more: wait no longer for its result, and have it cancelled."""
        if asked := self._asked.get(task_id):
            asked.cancel()

    async def _see_through(self, record: TaskRecord, submission: Submission) -> ExecutionResult:
        result = await self._answered(record, submission)
        if result is None:
            if self._durable is not None:
                await self._durable.withdraw(record.task.task_id)
            return self._cancelled(record.task)
        self._on_result(result)
        if record.submission is submission:
            self._conclude(record, result)
        await self._writer.written()
        if self._durable is not None:
            await self._durable.settle(record.task.task_id)
        return result

    async def _answered(self, record: TaskRecord, submission: Submission) -> ExecutionResult | None:
        """The result; None if the waiting was interrupted."""
        task_id = record.task.task_id
        asked = self._asked[task_id] = asyncio.create_task(self._ask(record.task, submission))
        try:
            await asyncio.wait([asked])
        except asyncio.CancelledError:
            asked.cancel()
            await asyncio.wait([asked])
            if self._durable is None and record.submission is submission:
                self._project.reopen(record)  # what runs in this process has ended with it
            raise
        finally:
            del self._asked[task_id]
        return None if asked.cancelled() else asked.result()

    async def _ask(self, task: AgentTask, submission: Submission) -> ExecutionResult:
        await self._writer.written()
        if self._durable is not None:
            return await self._durable.attend(task, submission.agent, submission.at)
        try:
            return await self._executor.execute(task, submission.agent)
        except Exception as error:
            # The executor promised not to raise. Whatever it was, it concerns this task alone.
            return self._broken(task, submission.at, error)

    def _conclude(self, record: TaskRecord, result: ExecutionResult) -> None:
        now = result.completed_at or self._clock.now()
        match result.status:
            case ExecutionStatus.SUCCESS:
                self._project.complete(record, now)
            case ExecutionStatus.FAILED:
                self._project.end_without_success(record, TaskStatus.FAILED, now, result.error)
            case ExecutionStatus.CANCELLED:
                self._project.end_without_success(record, TaskStatus.CANCELLED, now, result.error)
            case ExecutionStatus.PENDING | ExecutionStatus.IN_PROGRESS:
                self._project.hand_to_person(record)

    def _broken(self, task: AgentTask, started_at: datetime, error: Exception) -> ExecutionResult:
        is_input = isinstance(error, ValueError)
        kind = FailureKind.REJECTED if is_input else FailureKind.INTERNAL
        text = str(error) if is_input else f"{type(error).__name__}: {error}"
        return unanswered_result(
            task.task_id,
            task.agent,
            Failure(kind, text),
            started_at=started_at,
            now=self._clock.now(),
        )

    def _cancelled(self, task: AgentTask) -> ExecutionResult:
        now = self._clock.now()
        return ExecutionResult(
            task_id=task.task_id,
            agent=task.agent,
            status=ExecutionStatus.CANCELLED,
            started_at=task.started_at or now,
            completed_at=now,
            error="cancelled by the orchestrator",
        )
