"""`ProjectOrchestrator`: tasks with dependencies, run on any executor, kept across restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from llmbus.producer.attendance import Attendance
from llmbus.producer.project_ledger import ProjectLedger
from llmbus.producer.project_report import ProjectReport
from llmbus.producer.project_run import ProjectRun
from llmbus.producer.task_execution import TaskExecution
from llmbus.shared.clock import Clock
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask, TaskStatus

__all__ = ["MAX_CONCURRENT", "ProjectOrchestrator"]

MAX_CONCURRENT: Final = 16
"""How many tasks `run` has out at once, unless told otherwise."""


class ProjectOrchestrator(ProjectLedger):
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
    another process has it or it cannot be written.
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
        super().__init__(state_file, clock, on_change)
        self._attendance = Attendance(executor, self._project, self._writer, self._clock, on_result)
        self._run = ProjectRun(self._project, self._attendance, max_concurrent)
        self._listeners.append(self._react)
        with self._closed_on_error():
            for record in list(self._project):
                self._attendance.take_over(record)

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

    def _react(self, task: AgentTask) -> None:
        self._run.wake()
        if task.status is TaskStatus.CANCELLED:
            self._attendance.interrupt(task.task_id)
