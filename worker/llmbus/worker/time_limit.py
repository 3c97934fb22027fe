"""How long one attempt at a task may run: its time limit, or what its deadline leaves of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from llmbus.shared.result import Failure, FailureKind
from llmbus.shared.task import AgentTask

__all__ = ["TimeLimit"]


@dataclass(frozen=True)
class TimeLimit:
    """`deadline` is set if the limit is the time that it leaves."""

    duration: timedelta
    deadline: datetime | None = None

    @classmethod
    def of(cls, task: AgentTask, default: timedelta, now: datetime) -> TimeLimit:
        """For an attempt that starts now; `default` is for tasks that do not say."""
        limit = default
        if task.timeout_seconds is not None:
            limit = timedelta(seconds=task.timeout_seconds)
        if task.deadline is not None and task.deadline - now < limit:
            return cls(task.deadline - now, task.deadline)
        return cls(limit)

    @property
    def is_over(self) -> bool:
        """Whether no attempt may start."""
        return self.duration <= timedelta(0)

    def failure(self) -> Failure:
        """Of an attempt that did not end in time, or may not start."""
        if self.deadline is None:
            return Failure(
                FailureKind.TIMEOUT,
                f"no answer within {self.duration.total_seconds():g} s; the call may be billed,"
                " so it is not repeated",
            )
        when = (
            "before the task was started"
            if self.is_over
            else "while the task ran; the call may be billed"
        )
        return Failure(
            FailureKind.EXPIRED, f"the deadline {self.deadline.isoformat()} passed {when}"
        )
