"""`Project`: tasks, their dependencies and where each of them is. No execution, no file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from llmbus.producer.project_record import Submission, TaskRecord
from llmbus.producer.ready_tasks import ReadyTasks
from llmbus.producer.task_graph import TaskGraph
from llmbus.shared.errors import DependencyError, InvalidTaskError
from llmbus.shared.task import AgentTask, TaskStatus

__all__ = ["Project"]

_ENDED_WITHOUT_SUCCESS = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})
_HOLDS_UP = _ENDED_WITHOUT_SUCCESS | {TaskStatus.BLOCKED}


class Project:
    """Every change of a task's status is one method here; `on_change` hears of each."""

    def __init__(self, on_change: Callable[[AgentTask], None]) -> None:
        self._on_change = on_change
        self._graph = TaskGraph()
        self._records: dict[str, TaskRecord] = {}
        self._unmet: dict[str, int] = {}
        """Of how many dependencies a task still waits."""
        self._ready = ReadyTasks()

    def __iter__(self) -> Iterator[TaskRecord]:
        return iter(self._records.values())

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._records

    def record(self, task_id: str) -> TaskRecord:
        """`InvalidTaskError` (a `ValueError`) if there is no such task."""
        try:
            return self._records[task_id]
        except KeyError:
            raise InvalidTaskError(f"task {task_id!r} is not in the project") from None

    def add(self, records: Iterable[TaskRecord]) -> None:
        """All of them or none: `InvalidTaskError`, `DependencyError`."""
        added: dict[str, TaskRecord] = {}
        for record in records:
            task_id = record.task.task_id
            record.task.validate()
            if task_id in self._records or task_id in added:
                raise InvalidTaskError(f"task {task_id!r} is in the project already")
            added[task_id] = record
        self._graph.add({name: each.task.dependencies for name, each in added.items()})
        for task_id, record in added.items():
            self._records[task_id] = record
            self._ready.give_place(task_id)
        for record in added.values():
            self._count_unmet(record.task)
        for record in added.values():
            self._on_change(record.task)
            self._block_if_held_up(record.task)

    def change_dependencies(self, task: AgentTask, needed: list[str]) -> None:
        """`DependencyError` leaves all as it was."""
        self._graph.change(task.task_id, needed)
        task.dependencies = needed
        self._count_unmet(task)
        self._derive_blocked()

    def reconsider(self, record: TaskRecord) -> None:
        """Its fields were set: it may have another rank now."""
        self._on_change(record.task)
        self._offer(record.task)

    def remove(self, task_id: str) -> None:
        """`DependencyError` while others depend on it."""
        self._graph.remove(self.record(task_id).task.task_id)
        del self._records[task_id], self._unmet[task_id]
        self._ready.forget(task_id)

    def ready(self) -> list[AgentTask]:
        """Pending, and all they depend on is completed: most urgent first, then oldest first."""
        found = [each.task for each in self._records.values() if self._is_ready(each.task)]
        return sorted(found, key=self._ready.rank)

    def pop_ready(self) -> TaskRecord | None:
        """The first of `ready`, in logarithmic time. Each is given once, unless it becomes ready
        again."""
        while (task_id := self._ready.pop()) is not None:
            record = self._records.get(task_id)
            if record is not None and self._is_ready(record.task):
                return record
        return None

    def start(self, record: TaskRecord, now: datetime, submission: Submission | None) -> None:
        """`DependencyError` if something it depends on is not completed, `InvalidTaskError` if it
        is not pending."""
        task = record.task
        if waits_for := self._waits_for(task):
            names = ", ".join(
                f"{name!r} ({self._records[name].task.status.value})" for name in waits_for
            )
            raise DependencyError(f"task {task.task_id!r} is not ready: it waits for {names}")
        if task.status is not TaskStatus.PENDING:
            raise InvalidTaskError(
                f"task {task.task_id!r} is {task.status.value}: only a pending task can be started"
            )
        task.started_at = now
        record.submission = submission
        record.error = ""
        self._move(task, TaskStatus.IN_PROGRESS)

    def complete(self, record: TaskRecord, now: datetime) -> None:
        """The task is done; what waited for it alone becomes ready."""
        task = record.task
        if task.status is TaskStatus.COMPLETED:
            return
        held_up = task.status in _HOLDS_UP
        self._end(record, TaskStatus.COMPLETED, now, "")
        for dependent in self._graph.dependents(task.task_id):
            self._unmet[dependent] -= 1
            self._offer(self._records[dependent].task)
        if held_up:
            self._derive_blocked()

    def end_without_success(
        self, record: TaskRecord, status: TaskStatus, now: datetime, error: str
    ) -> None:
        """Failed or cancelled: what waits for it is blocked."""
        if record.task.status is TaskStatus.COMPLETED:
            raise InvalidTaskError(
                f"task {record.task.task_id!r} is completed: it can not become {status.value}"
            )
        self._end(record, status, now, error)
        self._block_what_waits_for(record.task.task_id)

    def hand_to_person(self, record: TaskRecord) -> None:
        """It stays in progress until somebody completes it."""
        record.submission = None
        self._move(record.task, TaskStatus.IN_PROGRESS)

    def reopen(self, record: TaskRecord) -> None:
        """Pending again, as if it had never been started."""
        task = record.task
        held_up = task.status in _HOLDS_UP
        task.started_at = task.completed_at = None
        record.submission = None
        record.error = ""
        self._move(task, TaskStatus.PENDING)
        if held_up:
            self._derive_blocked()
        self._offer(task)

    def _end(self, record: TaskRecord, status: TaskStatus, now: datetime, error: str) -> None:
        record.task.completed_at = now
        record.submission = None
        record.error = error
        self._move(record.task, status)

    def _move(self, task: AgentTask, status: TaskStatus) -> None:
        task.status = status
        self._on_change(task)

    def _waits_for(self, task: AgentTask) -> list[str]:
        return [
            name
            for name in dict.fromkeys(task.dependencies)
            if self._records[name].task.status is not TaskStatus.COMPLETED
        ]

    def _count_unmet(self, task: AgentTask) -> None:
        self._unmet[task.task_id] = len(self._waits_for(task))
        self._offer(task)

    def _is_ready(self, task: AgentTask) -> bool:
        return task.status is TaskStatus.PENDING and not self._unmet[task.task_id]

    def _offer(self, task: AgentTask) -> None:
        if self._is_ready(task):
            self._ready.offer(task)

    def _block_if_held_up(self, task: AgentTask) -> None:
        needed = (self._records[name].task.status for name in task.dependencies)
        if task.status is TaskStatus.PENDING and not _HOLDS_UP.isdisjoint(needed):
            self._move(task, TaskStatus.BLOCKED)
            self._block_what_waits_for(task.task_id)

    def _block_what_waits_for(self, *task_ids: str) -> None:
        for name in self._graph.descendants(*task_ids):
            waiting = self._records[name].task
            if waiting.status is TaskStatus.PENDING:
                self._move(waiting, TaskStatus.BLOCKED)

    def _derive_blocked(self) -> None:
        """Blocked is what waits for a failed or cancelled task, by way of others, too."""
        tasks = [record.task for record in self._records.values()]
        ended = [task.task_id for task in tasks if task.status in _ENDED_WITHOUT_SUCCESS]
        held_up = set(self._graph.descendants(*ended))
        for task in tasks:
            if task.status is TaskStatus.BLOCKED and task.task_id not in held_up:
                self._move(task, TaskStatus.PENDING)
                self._offer(task)
        self._block_what_waits_for(*ended)
