"""What a project runs its tasks on: any executor, or one whose tasks outlive this process."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask

__all__ = ["DurableExecution", "TaskExecution"]


class TaskExecution(Protocol):
    """Runs one task. An error of the execution is a failed result."""

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        """Run the task and return how it ended."""
        ...


@runtime_checkable
class DurableExecution(TaskExecution, Protocol):
    """An executor whose tasks go on when this process dies, and whose results wait for it.

    The caller records the moment of submission before `attend`, and the result before `settle`:
    then a restart neither loses a result nor asks for the same work twice.
    """

    @property
    def address(self) -> str:
        """Where the results wait: only an executor of the same address can go on with a task."""
        ...

    def expect(self, task: AgentTask, agent: str | None, submitted_at: datetime) -> None:
        """An earlier process has submitted this task then: `attend` will go on with it. Nothing is
        submitted anew before all results that wait have been looked through."""
        ...

    async def attend(
        self, task: AgentTask, agent: str | None, submitted_at: datetime
    ) -> ExecutionResult:
        """Submit the task unless its result is here, and return the result, which stays where it
        waits. Called again with the same moment, it is the same submission. Raises what the bus
        raises while it cannot be reached: then the task is neither done nor failed."""
        ...

    async def settle(self, task_id: str) -> None:
        """The result is recorded: it need not wait any more."""
        ...

    async def withdraw(self, task_id: str) -> None:
        """Nobody wants the task any more whose `attend` was cancelled: it need not be run, and what
        runs shall end. It may be submitted anew at any time. Never raises because that cannot be
        told to anybody."""
        ...
