"""`ProjectLedger`: the tasks of one project, kept by hand and across restarts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from llmbus.producer.project import Project
from llmbus.producer.project_changes import apply_changes
from llmbus.producer.project_record import TaskRecord
from llmbus.producer.project_report import ProjectReport, report_on
from llmbus.producer.state_file import StateFile, encode_state
from llmbus.producer.state_writer import StateWriter
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import InvalidTaskError
from llmbus.shared.task import AgentTask, ProjectPhase, TaskPriority, TaskStatus

__all__ = ["ProjectLedger"]


class ProjectLedger:
    """What is to be done, what is done, and what may be done next. Executes nothing.

    An unknown task id is an `InvalidTaskError` (a `ValueError`) in every method but `get_task`.
    Every change is on the disk when the method returns; with an event loop running, soon after.
    """

    def __init__(
        self,
        state_file: Path | None,
        clock: Clock | None,
        on_change: Callable[[AgentTask], None],
    ) -> None:
        self._clock = clock or SystemClock()
        self._listeners = [on_change]
        self._project = Project(self._changed)
        file = StateFile(state_file) if state_file is not None else None
        self._writer = StateWriter(file, lambda: encode_state(list(self._project)))
        if file is not None:
            with self._closed_on_error():
                self._project.add(file.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        self._writer.save()

    def get_task(self, task_id: str) -> AgentTask | None:
        """The task, if there is one of that id."""
        return self._project.record(task_id).task if task_id in self._project else None

    def update_task(self, task_id: str, **changes: Any) -> AgentTask:
        """Set fields of a task. `InvalidTaskError` for a field that is wrong, unknown, or has a
        method of its own here; `DependencyError` as for `add_tasks`. Then nothing is changed."""
        record = self._project.record(task_id)
        apply_changes(self._project, record, changes)
        self._writer.save()
        return record.task

    def remove_task(self, task_id: str) -> AgentTask:
        """Forget a task. `DependencyError` while others depend on it, `InvalidTaskError` while it
        is with an executor."""
        record = self._project.record(task_id)
        if record.submission is not None:
            raise InvalidTaskError(f"task {task_id!r} is running: cancel it before you remove it")
        self._project.remove(task_id)
        self._writer.changed()
        self._writer.save()
        return record.task

    def start_task(self, task_id: str) -> AgentTask:
        """Somebody works on the task outside of this program. `DependencyError` if it is not
        ready, `InvalidTaskError` if it is not pending."""
        record = self._project.record(task_id)
        self._project.start(record, self._clock.now(), None)
        self._writer.save()
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
        self._writer.save()
        return record.task

    def fail_task(self, task_id: str, reason: str = "") -> AgentTask:
        """The task has failed; what depends on it is blocked."""
        return self._end(task_id, TaskStatus.FAILED, reason)

    def cancel_task(self, task_id: str, reason: str = "") -> AgentTask:
        """The task is not wanted any more; what depends on it is blocked. If it runs, it is ended;
        on the bus it is cancelled as `TaskHandle.cancel` does it, as far as the store can be
        reached, and its result is one of those that nobody waits for."""
        return self._end(task_id, TaskStatus.CANCELLED, reason)

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
        self._writer.save()
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

    def generate_report(self) -> ProjectReport:
        """How the project stands."""
        return report_on(self._project, self._project.ready())

    def _end(self, task_id: str, status: TaskStatus, reason: str) -> AgentTask:
        record = self._project.record(task_id)
        self._project.end_without_success(record, status, self._clock.now(), reason)
        record.task.notes = reason or record.task.notes
        self._writer.save()
        return record.task

    def _changed(self, task: AgentTask) -> None:
        self._writer.changed()
        for listener in self._listeners:
            listener(task)

    @contextmanager
    def _closed_on_error(self) -> Generator[None]:
        """Other processes may have the state file if this one cannot use it."""
        try:
            yield
        except BaseException:
            self._writer.abandon()
            raise
