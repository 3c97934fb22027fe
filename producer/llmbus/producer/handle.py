"""`TaskHandle`: what `submit` returns, to wait for the result with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from llmbus.producer.answer import Answer
from llmbus.producer.remembered import Remembered
from llmbus.shared.result import ExecutionResult
from llmbus.shared.store.claims import CancelAnswer

__all__ = ["TaskHandle"]


class TaskHandle:
    """One submitted task. Waiting on it takes its result; without a handle the result waits for
    `Producer.results()`."""

    def __init__(
        self,
        task_id: str,
        taken: Callable[[ExecutionResult], Coroutine[Any, Any, None]],
        remembered: Remembered,
    ) -> None:
        self.task_id = task_id
        self.submissions: list[str] = []
        """For which submissions of the task it stands, the latest last; none: for whichever there
        was."""
        self.cancel_requested = False
        """Whether anybody has tried to `cancel` it."""
        self._taken = taken
        self._remembered = remembered
        self._arrived: asyncio.Future[ExecutionResult] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"TaskHandle({self.task_id!r}, {'done' if self.done() else 'waiting'})"

    def done(self) -> bool:
        """Whether `wait` would return at once."""
        return self._arrived.done()

    async def wait(self, timeout: float | timedelta | None = None) -> ExecutionResult:
        """The result, once the task has ended; a failed task is a result, too.

        `timeout` in seconds: `TimeoutError` ends the waiting, not the task; wait again to go on.
        May be called any number of times. `ClosedError` if the producer is closed first: then the
        result stays in the orchestrator's queue for its next start.
        """
        result = await self.peek(timeout)
        await self.take()
        return result

    async def peek(self, timeout: float | timedelta | None = None) -> ExecutionResult:
        """As `wait`, but the result is not taken: until `take`, it comes again after a restart."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self._arrived)

    async def take(self) -> None:
        """The application has the result for good: the broker may forget it."""
        if self.done():
            await self._taken(self._arrived.result())

    async def cancel(self, reason: str = "the orchestrator no longer wants it") -> CancelAnswer:
        """Ask for the task to end: never to be run if it waits, to be cut within two seconds if it
        runs, a script and its children included.

        The wish is durable: workers that are offline honour it later. The result, with status
        `cancelled` and what was spent by then, comes as any other. `AlreadyFinished` if the task
        had ended before. `StoreUnreachableError` if nothing could be noted.

        All submissions that this handle stands for are cancelled, and no later one: the task may be
        submitted again at once, and that is another handle.
        """
        self.cancel_requested = True
        latest = self.submissions[-1] if self.submissions else None
        for submission in self.submissions[:-1]:
            await self._remembered.cancel(self.task_id, submission, reason)
        return await self._remembered.cancel(self.task_id, latest, reason)

    def stand_for(self, submission: str) -> None:
        """For the inbox: the task is being submitted, perhaps once more."""
        if submission not in self.submissions:
            self.submissions.append(submission)

    def stand_for_no_more(self, submission: str) -> None:
        """For the producer: that one may not have reached the broker."""
        self.submissions.remove(submission)

    def is_answered_by(self, answer: Answer) -> bool:
        """For the inbox: whether it waits for this answer. A success answers every submission,
        anything else its own one: what became of an earlier one is not asked any more."""
        return answer.succeeded or not any(map(answer.was_asked_before, self.submissions))

    def resolve(self, result: ExecutionResult) -> None:
        """For the inbox: the result has arrived."""
        if not self._arrived.done():
            self._arrived.set_result(result)

    def abandon(self, error: Exception) -> None:
        """For the inbox: no result will arrive through this handle."""
        if not self._arrived.done():
            self._arrived.set_exception(error)
            self._arrived.exception()  # whoever waits sees it; nobody waiting is fine
