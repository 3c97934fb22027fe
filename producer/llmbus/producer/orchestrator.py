"""`ProjectOrchestrator`: tasks with dependencies, run on any executor, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from llmbus.producer.attendance import Attendance
from llmbus.producer.project import Project
from llmbus.producer.project_changes import apply_changes
from llmbus.producer.project_record import TaskRecord
from llmbus.producer.project_report import ProjectReport, report_on
from llmbus.producer.project_run import ProjectRun
from llmbus.producer.state_file import StateFile, encode_state
from llmbus.producer.state_writer import StateWriter
from llmbus.producer.task_execution import TaskExecution
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import InvalidTaskError, LlmbusError
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask, ProjectPhase, TaskPriority, TaskStatus

__all__ = ["MAX_CONCURRENT", "ProjectOrchestrator"]

MAX_CONCURRENT: Final = 16
"""How many tasks `run` has out at once, unless told otherwise."""

_log = logging.getLogger("llmbus.producer")


class ProjectOrchestrator:
    """The tasks of one project.

        with ProjectOrchestrator(executor, state_file=Path("state.json")) as project:
            project.add_tasks(tasks)
            report = await project.run()

    `executor` runs one task at a time of as many callers as there are: a `TaskExecutor` in this
    process, or a `BusExecutor`. With a `state_file` a restart goes on where the last process
    ended: what is completed is not run again. Tasks are kept as the objects that were added.

    `on_change` hears of every change of a task's status. `on_result` gets each result before it
    counts as recorded: if it raises, `execute_task` and `run` raise that, and on the bus the result
    waits for the next start.

    Raises `InvalidInputError` for a state file that cannot be read, and `ConfigurationError` if
    another process has it or it cannot be written. An unknown task id is an `InvalidTaskError`
    in every method but `get_task` (both are `ValueError`s).
    """

    def __init__(
        self,
        executor: TaskExecution,
        *,
        state_file: Path | None = None,
        max_concurrent: int = MAX_CONCURRENT,
        clock: Clock | None = None,
        on_change: Callable[[AgentTask], None] = lambda task: None,
        on_result: Callable[[ExecutionResult], None] = lambda result: None,
    ) -> None:
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent must be at least 1, not {max_concurrent}")
        self._clock = clock or SystemClock()
        self._on_change = on_change
        self._project = Project(self._changed)
        file = StateFile(state_file) if state_file is not None else None
        self._writer = StateWriter(file, lambda: encode_state(list(self._project)))
        self._attendance = Attendance(executor, self._project, self._writer, self._clock, on_result)
        self._run = ProjectRun(self._project, self._attendance, max_concurrent)
        self._saving: set[asyncio.Task[None]] = set()
        self._restore(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write the state a last time, and let other processes have it."""
        self._writer.close()

    @property
    def tasks(self) -> list[AgentTask]:
        """All tasks, in the order in which they were added."""
        return [record.task for record in self._project]

    def add_task(self, task: AgentTask) -> AgentTask:
        """Add one task. `DependencyError` for a dependency that is not there, or on itself;
        `InvalidTaskError` for an id that is there already."""
        self.add_tasks([task])
        return task

    def add_tasks(self, tasks: Iterable[AgentTask]) -> None:
        """Add all of them or, if one is wrong, none; they may depend on each other in any order.
        `DependencyError` names an unknown dependency or the circle. Also while `run` runs."""
        self._project.add(TaskRecord(task) for task in tasks)
        self._save()

    def get_task(self, task_id: str) -> AgentTask | None:
        """The task, if there is one of that id."""
        return self._project.record(task_id).task if task_id in self._project else None

    def update_task(self, task_id: str, **changes: Any) -> AgentTask:
        """Set fields of a task. `InvalidTaskError` for a field that is wrong, unknown, or has a
        method of its own here; `DependencyError` as for `add_tasks`. Then nothing is changed."""
        record = self._project.record(task_id)
        apply_changes(self._project, record, changes)
        self._save()
        return record.task

    def remove_task(self, task_id: str) -> AgentTask:
        """Forget a task. `DependencyError` while others depend on it, `InvalidTaskError` while it
        is with an executor."""
        record = self._project.record(task_id)
        if record.submission is not None:
            raise InvalidTaskError(f"task {task_id!r} is running: cancel it before you remove it")
        self._project.remove(task_id)
        self._writer.changed()
        self._save()
        return record.task

    def start_task(self, task_id: str) -> AgentTask:
        """Somebody works on the task outside of this program. `DependencyError` if it is not
        ready, `InvalidTaskError` if it is not pending."""
        record = self._project.record(task_id)
        self._project.start(record, self._clock.now(), None)
        self._save()
        return record.task

    def complete_task(
        self, task_id: str, output_files: Iterable[str] | None = None, notes: str = ""
    ) -> AgentTask:
        """The task is done, whoever did it; what waited for it alone becomes ready."""
        record = self._project.record(task_id)
        if output_files is not None:
            record.task.output_files = list(output_files)
        record.task.notes = notes or record.task.notes
        self._project.complete(record, self._clock.now())
        self._save()
        return record.task

    def fail_task(self, task_id: str, reason: str = "") -> AgentTask:
        """The task has failed; what depends on it is blocked."""
        return self._end(task_id, TaskStatus.FAILED, reason)

    def cancel_task(self, task_id: str, reason: str = "") -> AgentTask:
        """The task is not wanted any more; what depends on it is blocked. If it runs, `run` and
        `execute_task` stop waiting for it. On the bus it may still be run: its result is then one
        of those that nobody waits for."""
        task = self._end(task_id, TaskStatus.CANCELLED, reason)
        self._attendance.interrupt(task_id)
        return task

    def reopen_task(self, task_id: str) -> AgentTask:
        """Make a failed or cancelled task pending again, and what it had blocked.
        `InvalidTaskError` for any other."""
        record = self._project.record(task_id)
        if record.task.status not in {TaskStatus.FAILED, TaskStatus.CANCELLED}:
            raise InvalidTaskError(
                f"task {task_id!r} is {record.task.status.value}: only what has failed or was"
                " cancelled can be reopened"
            )
        self._project.reopen(record)
        self._save()
        return record.task

    def get_ready_tasks(self) -> list[AgentTask]:
        """Pending, and all they depend on is completed: most urgent first, then oldest first."""
        return self._project.ready()

    def get_next_task(
        self, priority: TaskPriority | None = None, phase: ProjectPhase | None = None
    ) -> AgentTask | None:
        """The first of the ready tasks, of that priority and phase if they are given."""
        return next(
            (
                task
                for task in self._project.ready()
                if priority in (None, task.priority) and phase in (None, task.phase)
            ),
            None,
        )

    async def execute_task(self, task_id: str, agent: str | None = None) -> ExecutionResult:
        """Run one task now and return how it ended; a failed task is a result, too.
        `DependencyError` if it is not ready."""
        return await self._attendance.start(self._project.record(task_id), agent)

    async def run(self) -> ProjectReport:
        """Run whatever is ready, up to `max_concurrent` at once, until nothing is left that can be
        run. What depends on a failed or cancelled task is blocked, not run. A task that waits for
        a person does not hold up the return: complete it, and run again."""
        try:
            await self._run.until_nothing_is_left()
        finally:
            await asyncio.shield(self._writer.written())
        return self.generate_report()

    def generate_report(self) -> ProjectReport:
        """How the project stands."""
        return report_on(self._project, self._project.ready())

    def _end(self, task_id: str, status: TaskStatus, reason: str) -> AgentTask:
        record = self._project.record(task_id)
        self._project.end_without_success(record, status, self._clock.now(), reason)
        record.task.notes = reason or record.task.notes
        self._save()
        return record.task

    def _changed(self, task: AgentTask) -> None:
        self._writer.changed()
        self._run.wake()
        self._on_change(task)

    def _save(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._writer.write_now()
            return
        saving = asyncio.create_task(self._save_soon())
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    async def _save_soon(self) -> None:
        try:
            await self._writer.written()
        except LlmbusError as error:
            _log.error("project_state_not_written", extra={"fields": {"reason": str(error)}})

    def _restore(self, file: StateFile | None) -> None:
        if file is None:
            return
        try:
            self._project.add(file.read())
            for record in list(self._project):
                self._attendance.take_over(record)
        except BaseException:
            file.close()
            raise
