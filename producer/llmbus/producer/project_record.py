"""What a project knows of one task beside the task itself."""

from __future__ import annotations

from datetime import datetime

import msgspec

from llmbus.shared.task import AgentTask

__all__ = ["Submission", "TaskRecord"]


class Submission(msgspec.Struct, frozen=True):
    """That a task was handed to an executor, by this process or by one that died."""

    at: datetime
    agent: str | None = None
    """Who was asked, if not the agent that the task names."""
    address: str | None = None
    """Where the result waits; None if it dies with the process."""


class TaskRecord(msgspec.Struct):
    """One task of a project."""

    task: AgentTask
    submission: Submission | None = None
    """Set while an executor has the task; a person who has started it needs none."""
    error: str = ""
    """Why it failed or was cancelled."""
