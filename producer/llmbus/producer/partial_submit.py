"""When some tasks of a batch were not accepted."""

from __future__ import annotations

from collections.abc import Sequence

from llmbus.producer.handle import TaskHandle
from llmbus.shared.errors import LlmbusError
from llmbus.shared.task import AgentTask

__all__ = ["PartialSubmitError", "all_accepted"]


class PartialSubmitError(LlmbusError):
    """Some of the tasks of one `submit_many` were not accepted.

    `handles` are those of the accepted tasks; `failures` pairs each other task with its error.
    Submitting those again is safe.
    """

    def __init__(
        self, handles: list[TaskHandle], failures: list[tuple[AgentTask, LlmbusError]]
    ) -> None:
        self.handles = handles
        self.failures = failures
        _, first = failures[0]
        super().__init__(
            f"{len(failures)} of {len(failures) + len(handles)} tasks were not accepted;"
            f" the first reason: {first}"
        )


def all_accepted(
    tasks: Sequence[AgentTask], answers: Sequence[TaskHandle | LlmbusError]
) -> list[TaskHandle]:
    """The handles; `PartialSubmitError` if there is an error among the answers."""
    handles = [answer for answer in answers if isinstance(answer, TaskHandle)]
    failures = [
        (task, answer)
        for task, answer in zip(tasks, answers, strict=True)
        if isinstance(answer, LlmbusError)
    ]
    if failures:
        raise PartialSubmitError(handles, failures)
    return handles
