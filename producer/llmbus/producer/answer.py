"""What is remembered of a result: enough to tell the next answer from a second copy."""

from __future__ import annotations

from typing import NamedTuple, Self

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import answered_redrive_of
from llmbus.shared.result import ExecutionResult, ExecutionStatus

__all__ = ["Answer"]


class Answer(NamedTuple):
    """One answer to a task."""

    redrive: int
    """Which redrive from parking it answers; 0: none."""
    succeeded: bool

    @classmethod
    def of(cls, result: ExecutionResult, message: Message) -> Self:
        """What that message answers."""
        succeeded = result.status in (ExecutionStatus.SUCCESS, ExecutionStatus.PENDING)
        return cls(answered_redrive_of(message), succeeded)

    def may_be_followed_by(self, later: Answer) -> bool:
        """Whether `later` tells something new. A redrive is made because a task has failed; what
        had succeeded by then is only told again."""
        return later.redrive > self.redrive and not self.succeeded
