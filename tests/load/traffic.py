"""Tasks at a steady rate, each awaited and its answer checked."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from llmbus.producer import Producer
from llmbus.shared import AgentTask, ExecutionStatus

__all__ = ["LANE", "Traffic"]

LANE: Final = "openai-gpt"
_MOST_IN_FLIGHT: Final = 1_000
"""A machine that is too slow for the rate gets no more at once, or its backlog would be measured
in place of leaks."""
_ANSWER_WITHIN_SECONDS: Final = 60.0


class Traffic:
    """Counts what it sent and what became of it."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._room = asyncio.Semaphore(_MOST_IN_FLIGHT)
        self.sent = 0
        self.answered = 0
        self.lost = 0
        """No answer in time, or no submission."""
        self.wrong = 0
        """Answered as failed, or with another task's answer."""
        self.seconds = 0.0
        """How long tasks were sent."""

    @property
    def in_flight(self) -> int:
        return self.sent - self.answered - self.lost

    @property
    def reached_per_second(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0

    async def flow(self, seconds: float, tasks_per_second: float) -> None:
        """Send for so long, and return when every task has its answer or counts as lost."""
        pause, began = 1 / tasks_per_second, time.monotonic()
        due = began
        async with asyncio.TaskGroup() as asking:
            while (now := time.monotonic()) < began + seconds:
                if now < due:
                    await asyncio.sleep(due - now)
                await self._room.acquire()
                self.sent += 1
                asking.create_task(self._ask(f"soak-{self.sent}"))
                due = max(due + pause, time.monotonic() - 1)  # catch up by a second at most
            self.seconds = time.monotonic() - began

    async def burst(self, tasks: int) -> None:
        """Send so many at once, and return when each has its answer or counts as lost."""
        async with asyncio.TaskGroup() as asking:
            for _ in range(tasks):
                await self._room.acquire()
                self.sent += 1
                asking.create_task(self._ask(f"burst-{self.sent}"))

    async def _ask(self, task_id: str) -> None:
        task = AgentTask(task_id, "Soak", "Answer with the id of this task.", "gpt-4")
        try:
            handle = await self._producer.submit(task)
            result = await handle.wait(_ANSWER_WITHIN_SECONDS)
        except Exception as error:
            self.lost += 1
            print(f"soak: {task_id} is lost: {error!r}", flush=True)
        else:
            self.answered += 1
            right = result.status is ExecutionStatus.SUCCESS
            self.wrong += not (right and result.output == f"Answer to {task_id}")
        finally:
            self._room.release()
