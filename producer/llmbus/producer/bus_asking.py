"""Asking the bus for results that are taken only when their caller has recorded them."""

from __future__ import annotations

import asyncio
from datetime import datetime

from llmbus.producer.handle import TaskHandle
from llmbus.producer.producer import Producer
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask

__all__ = ["BusAsking"]


class BusAsking:
    """Of one producer: what earlier processes have submitted, and what is not taken yet."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._expected: dict[str, TaskHandle] = {}
        """Of tasks that an earlier process has submitted."""
        self._untaken: dict[str, list[TaskHandle]] = {}
        """By the task on whose behalf they were asked for."""
        self._left: dict[str, list[TaskHandle]] = {}
        """Likewise: whose waiting was cancelled."""
        self._caught_up: asyncio.Task[None] | None = None

    def expect(self, task_id: str, submitted_at: datetime) -> None:
        """An earlier process has submitted this task."""
        self._expected[task_id] = self._producer.expect(task_id, submitted_at)

    async def ask(
        self, task: AgentTask, submitted_at: datetime, on_behalf_of: str
    ) -> ExecutionResult:
        """The result, which waits on the bus until `take`. Raises what `Producer.submit` raises.
        Cancelled, it leaves its handle to `take_left`: the task goes on."""
        try:
            handle = await self._handle(task, submitted_at)
            result = await handle.peek()
        except asyncio.CancelledError:
            # Also where the confirmation was not here yet: a worker may have the task by now.
            handle = self._producer.expect(task.task_id, submitted_at)
            self._left.setdefault(on_behalf_of, []).append(handle)
            raise
        self._untaken.setdefault(on_behalf_of, []).append(handle)
        return result

    async def take(self, task_id: str) -> None:
        """What was asked for on behalf of this task is recorded."""
        for handle in self._untaken.pop(task_id, []):
            await handle.take()

    def take_left(self, task_id: str) -> list[TaskHandle]:
        """What was asked for on behalf of this task, and is not waited for any more."""
        return self._left.pop(task_id, [])

    async def _handle(self, task: AgentTask, submitted_at: datetime) -> TaskHandle:
        expected = self._expected.get(task.task_id)
        if expected is not None:
            await self._until_here_or_caught_up(expected)
            del self._expected[task.task_id]
            if expected.done():
                return expected
        return await self._producer.submit(task, submitted_at=submitted_at)

    async def _until_here_or_caught_up(self, expected: TaskHandle) -> None:
        """What waits for us need not be asked for again. One look serves all."""
        if self._caught_up is None:
            self._caught_up = asyncio.create_task(self._producer.catch_up())
        arrival = asyncio.create_task(expected.peek())
        try:
            await asyncio.wait([arrival, self._caught_up], return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
        if expected.done():
            return
        looked, self._caught_up = self._caught_up, None
        looked.result()  # raises why there was no look; the next one looks again
        self._caught_up = looked
