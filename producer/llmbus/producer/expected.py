"""The handles of one orchestrator: who waits for the answer to which submission."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakValueDictionary

from llmbus.producer.answer import Answer
from llmbus.producer.handle import TaskHandle
from llmbus.shared.result import ExecutionResult

__all__ = ["Expected"]


class Expected:
    """One handle a task, which stands for all its submissions, unless it was cancelled: then it
    ends by itself, and who asks anew gets another one. What nobody holds is forgotten."""

    def __init__(self, make: Callable[[str], TaskHandle]) -> None:
        self._make = make
        self._handles: WeakValueDictionary[str, TaskHandle] = WeakValueDictionary()
        self._cancelled: WeakValueDictionary[tuple[str, str], TaskHandle] = WeakValueDictionary()
        """Those that another one has replaced, by task id and submission."""

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._handles

    def all(self) -> list[TaskHandle]:
        """Whatever somebody may wait on."""
        return [*self._handles.values(), *self._cancelled.values()]

    def handle(self, task_id: str, submission: str | None) -> TaskHandle:
        """For whoever waits for the answer to this submission; None: to whichever there was."""
        handle = self._handles.get(task_id)
        if handle is None or handle.done() or self._is_replaced(handle, submission):
            handle = self._handles[task_id] = self._make(task_id)
        if submission is not None:
            handle.stand_for(submission)
        return handle

    def wants(self, task_id: str, answer: Answer) -> bool:
        """Whether the answer is one for the latest handle, or there is none to ask."""
        handle = self._handles.get(task_id)
        return handle is None or handle.is_answered_by(answer)

    def resolve(self, result: ExecutionResult) -> None:
        """Give the latest handle its result."""
        handle = self._handles.get(result.task_id)
        if handle is not None:
            handle.resolve(result)

    def resolve_cancelled(self, answer: Answer, result: ExecutionResult) -> None:
        """Give the result to a handle that was cancelled and replaced, if it is the answer to it.
        What becomes of the message does not depend on that one."""
        handle = self._cancelled.pop((result.task_id, answer.submission or ""), None)
        if handle is not None:
            handle.resolve(result)

    def forget_done(self, task_id: str) -> None:
        """A handle that has had its result does not claim the next."""
        handle = self._handles.get(task_id)
        if handle is not None and handle.done():
            del self._handles[task_id]

    def _is_replaced(self, handle: TaskHandle, submission: str | None) -> bool:
        if not handle.cancel_requested or submission is None or submission in handle.submissions:
            return False
        for each in handle.submissions:
            self._cancelled[handle.task_id, each] = handle
        return True
