"""What a run of many tasks looks like at this moment: one row a task, no drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from llmbus.shared.result import ExecutionResult, ExecutionStatus
from llmbus.shared.task import AgentTask, TaskPriority, TaskStatus
from llmbus.worker.events import Event, TaskInterrupted, TaskRetried, TaskStarted

__all__ = ["Board", "Row", "State"]


class State(StrEnum):
    """Where a task is."""

    PLANNED = "planned"
    """What it depends on is not done yet."""
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For its next attempt, or for a person."""
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Something that it depends on has failed."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen in this run."""
        return self in {State.DONE, State.FAILED, State.BLOCKED}


@dataclass(slots=True)
class Row:
    """One task."""

    task: AgentTask
    place: int
    """Its position in the file: tasks of one priority and lane run in this order."""
    state: State = State.QUEUED
    attempt: int = 0
    note: str = ""
    changed_at: float = 0.0
    result: ExecutionResult | None = None


class Board:
    """Follows the tasks by the worker's events (embedded) and by their results."""

    def __init__(self, tasks: Sequence[AgentTask], now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._is_project = any(task.dependencies for task in tasks)
        self.started_at = now()
        self.rows = {
            task.task_id: Row(task, place, State.PLANNED if task.dependencies else State.QUEUED)
            for place, task in enumerate(tasks)
        }

    @property
    def is_project(self) -> bool:
        """Whether some tasks depend on others."""
        return self._is_project

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._now() - self.started_at

    @property
    def outstanding(self) -> int:
        """How many tasks have not ended yet."""
        return sum(not row.state.has_ended for row in self.rows.values())

    @property
    def all_done(self) -> bool:
        """Whether every task was successful."""
        return all(row.state is State.DONE for row in self.rows.values())

    def waits_for(self, row: Row) -> list[str]:
        """The tasks it depends on that are not done."""
        return [
            name
            for name in row.task.dependencies
            if name in self.rows and self.rows[name].state is not State.DONE
        ]

    @property
    def retries(self) -> int:
        """How many attempts have failed and are made again."""
        return sum(
            max(0, row.attempt - 1) + (row.state is State.WAITING and row.result is None)
            for row in self.rows.values()
        )

    def counts(self) -> dict[TaskPriority, Counter[State]]:
        """How many tasks of each priority are in each state."""
        table: dict[TaskPriority, Counter[State]] = {each: Counter() for each in TaskPriority}
        for row in self.rows.values():
            table[row.task.priority][row.state] += 1
        return table

    def on_change(self, task: AgentTask) -> None:
        """For the orchestrator: the task's status may have changed. How a task of this run ended
        is told by its result."""
        row = self.rows.get(task.task_id)
        if row is None:
            return
        match task.status:
            case TaskStatus.IN_PROGRESS if row.state is State.PLANNED:
                self._move(row, State.QUEUED, "")
            case TaskStatus.BLOCKED:
                self._move(row, State.BLOCKED, f"needs {', '.join(self.waits_for(row))}")
            case TaskStatus.PENDING if row.state.has_ended:
                row.result = None
                self._move(row, State.PLANNED, "")
            case TaskStatus.COMPLETED if row.state is not State.DONE:
                self._move(row, State.DONE, "before")
            case TaskStatus.FAILED | TaskStatus.CANCELLED if row.state is not State.FAILED:
                self._move(row, State.FAILED, f"{task.status.value} before")
            case _:
                pass

    def explain(self, errors: Mapping[str, str]) -> None:
        """Why tasks had failed in an earlier run."""
        for task_id, error in errors.items():
            if row := self.rows.get(task_id):
                row.note = f"{row.note}: {error}"

    def on_event(self, event: Event) -> None:
        """For the worker: something happened to a task."""
        row = self.rows.get(event.task_id)
        if row is None or row.result is not None:
            return
        row.attempt = event.attempt
        match event:
            case TaskStarted():
                overtaken = self._overtaken_by(row) if event.attempt == 1 else 0
                self._move(row, State.RUNNING, f"overtook {overtaken}" if overtaken else row.note)
            case TaskRetried():
                note = f"{event.kind}: {event.reason}; again in {event.delay_seconds:.1f} s"
                self._move(row, State.WAITING, note)
            case TaskInterrupted():
                self._move(row, State.QUEUED, "returned to its queue")
            case _:
                pass  # how it ended is told by the result

    def on_result(self, result: ExecutionResult) -> None:
        """A task has ended. Results of other runs are not on this board."""
        row = self.rows.get(result.task_id)
        if row is None:
            return
        row.result = result
        row.attempt = result.attempts
        match result.status:
            case ExecutionStatus.FAILED | ExecutionStatus.CANCELLED:
                kind = f"{result.failure.kind}: " if result.failure else ""
                self._move(row, State.FAILED, f"{kind}{result.error}")
            case ExecutionStatus.PENDING | ExecutionStatus.IN_PROGRESS:
                self._move(
                    row,
                    State.WAITING,
                    f"for a person (then --done {row.task.task_id}): {result.output}",
                )
            case ExecutionStatus.SUCCESS:
                again = result.attempts > 1
                self._move(row, State.DONE, f"on attempt {result.attempts}" if again else row.note)

    def _overtaken_by(self, row: Row) -> int:
        return sum(
            other.state is State.QUEUED
            and other.place < row.place
            and other.task.agent == row.task.agent
            for other in self.rows.values()
        )

    def _move(self, row: Row, state: State, note: str) -> None:
        row.state = state
        row.note = note
        row.changed_at = self._now()
