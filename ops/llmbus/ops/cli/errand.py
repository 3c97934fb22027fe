"""One run of a project: submit what is ready, keep what comes back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmbus.ops.cli.board import Board
from llmbus.ops.cli.project_file import take_up
from llmbus.ops.cli.results_file import ResultsFile
from llmbus.ops.cli.run_output import RunOutput
from llmbus.ops.cli.run_parts import RunParts
from llmbus.producer import Producer, ProjectOrchestrator
from llmbus.producer.state_file import set_aside
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask, TaskStatus

__all__ = ["Errand"]

_OUT_AT_ONCE: Final = 500
"""Many, so that it is the queues that decide what is urgent; few enough for the inbox."""


@dataclass(frozen=True)
class Errand:
    """What `llmbus run` was asked to do."""

    tasks: list[AgentTask]
    board: Board
    results_path: Path
    state_path: Path
    output: RunOutput
    fresh: bool
    retry_failed: bool
    done: list[str]

    async def carry_out(self, parts: RunParts) -> None:
        """Return when nothing is left that can be run."""
        async with AsyncExitStack() as resources:
            results_file = resources.enter_context(ResultsFile(self.results_path))
            producer = await resources.enter_async_context(parts.producer)
            project = resources.enter_context(self._project(parts, results_file))
            if self.fresh and parts.worker is None:
                await producer.forget(task.task_id for task in self.tasks)
            self._prepare(project, parts)
            if parts.worker is not None:
                await resources.enter_async_context(parts.worker)
            late = asyncio.create_task(self._keep_late_results(producer, results_file))
            try:
                await project.run()
                await late
                await self._keep_late_results(producer, results_file)
            finally:
                late.cancel()
                await asyncio.gather(late, return_exceptions=True)

    def _project(self, parts: RunParts, results_file: ResultsFile) -> ProjectOrchestrator:
        if self.fresh and (aside := set_aside(self.state_path)) is not None:
            self.output.say(f"starting anew; the state of the earlier run is {aside}")

        def keep(result: ExecutionResult) -> None:
            results_file.keep(result)
            self.board.on_result(result)
            self.output.tell_of_task(result.task_id)

        return ProjectOrchestrator(
            parts.executor,
            state_file=self.state_path,
            max_concurrent=_OUT_AT_ONCE,
            on_change=self._show,
            on_result=keep,
        )

    def _prepare(self, project: ProjectOrchestrator, parts: RunParts) -> None:
        goes_on = bool(project.tasks)
        for task in self.tasks:
            if project.get_task(task.task_id) is None:
                parts.check(task)
        taken_up = take_up(project, self.tasks)
        if goes_on:
            self.output.tell_of_earlier_run(self.state_path, taken_up, self.retry_failed)
        self.board.explain(project.generate_report().failed)
        if self.retry_failed:
            for task_id in taken_up.failed:
                project.reopen_task(task_id)
        for task_id in self.done:
            project.complete_task(task_id)
        self.output.tells_of_tasks = True

    def _show(self, task: AgentTask) -> None:
        self.board.on_change(task)
        if task.status is TaskStatus.BLOCKED:
            self.output.tell_of_task(task.task_id)

    async def _keep_late_results(self, producer: Producer, results_file: ResultsFile) -> None:
        async for result in producer.unclaimed_results():
            results_file.keep(result)
            self.output.say(f"{result.task_id}: {result.status.value} (of an earlier run)")
