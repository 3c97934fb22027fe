"""What is remembered of a result: enough to tell the next answer from a second copy."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple, Self

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import answered_redrive_of, answered_submission_of
from llmbus.shared.result import ExecutionResult

__all__ = ["SUCCEEDED", "Answer"]


class Answer(NamedTuple):
    """One answer to a task."""

    redrive: int
    """Which redrive from parking it answers; 0: none."""
    succeeded: bool
    submission: str | None
    """Which submission of the task it answers; None: unknown."""

    @classmethod
    def of(cls, result: ExecutionResult, message: Message) -> Self:
        """What that message answers."""
        redrive, submission = answered_redrive_of(message), answered_submission_of(message)
        return cls(redrive, result.status.answers_every_submission, submission)

    def may_be_followed_by(self, later: Answer) -> bool:
        """Whether `later` tells something new. A redrive is made, or a task submitted anew, because
        it has failed; what had succeeded by then is only told again."""
        if self.succeeded:
            return False
        return later.redrive > self.redrive or self.was_asked_before(later.submission)

    def was_asked_before(self, submission: str | None) -> bool:
        """Whether this answers an earlier submission than that one."""
        mine, other = _moment(self.submission), _moment(submission)
        return mine is not None and other is not None and mine < other


SUCCEEDED: Final = Answer(0, succeeded=True, submission=None)
"""Stands for all of its kind, where many are remembered: nothing follows any of them."""


def _moment(submission: str | None) -> datetime | None:
    """When the task was submitted; None where another program names its submissions otherwise."""
    try:
        return datetime.fromisoformat(submission or "")
    except ValueError:
        return None
