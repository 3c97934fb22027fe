"""Tasks that a person starts: answered with the command to give, nothing is sent."""

from __future__ import annotations

from datetime import datetime

from llmbus.shared.result import ExecutionResult, ExecutionStatus
from llmbus.shared.task import AgentTask

__all__ = ["handed_to_person"]


def handed_to_person(task: AgentTask, now: datetime) -> ExecutionResult:
    """A pending result whose output is the command."""
    command = f"Use {task.agent.removesuffix('-code')} subagent to {task.title}"
    return ExecutionResult(
        task_id=task.task_id,
        agent=task.agent,
        status=ExecutionStatus.PENDING,
        started_at=now,
        output=command,
        metadata={
            "execution_mode": "interactive",
            "requires_implementation": True,
            "command": command,
        },
    )
