"""Agents that a person starts: the result is the command to give, and nothing is called."""

from __future__ import annotations

import re
from datetime import datetime

from llmbus.shared.result import ExecutionResult, ExecutionStatus
from llmbus.shared.task import AgentTask

__all__ = ["interactive_command", "interactive_result"]


def interactive_command(agent_name: str, title: str) -> str:
    """What a person says to have the task done; `claude-code` answers to the name of `claude`."""
    subagent = re.sub(r"-code(?=-|$)", "", agent_name)
    return f"Use {subagent} subagent to {title}"


def interactive_result(task: AgentTask, started_at: datetime) -> ExecutionResult:
    """A pending result: it is for its reader to do what it says. No run was started."""
    command = interactive_command(task.agent, task.title)
    return ExecutionResult(
        task_id=task.task_id,
        agent=task.agent,
        status=ExecutionStatus.PENDING,
        started_at=started_at,
        output=command,
        metadata={
            "execution_mode": "interactive",
            "requires_implementation": True,
            "command": command,
        },
    )
