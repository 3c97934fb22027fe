"""Which task is next: most urgent first, then oldest first, in logarithmic time."""

from __future__ import annotations

import heapq
from itertools import count

from llmbus.shared.task import AgentTask

__all__ = ["ReadyTasks"]


class ReadyTasks:
    """What may be started. A task may be offered more than once, and need not be ready any more
    when it comes up: whoever takes it looks."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._next_place = count()
        self._heap: list[tuple[int, int, str]] = []

    def give_place(self, task_id: str) -> None:
        """It is younger than all that have one."""
        self._places[task_id] = next(self._next_place)

    def forget(self, task_id: str) -> None:
        """Its place is nobody's."""
        del self._places[task_id]

    def offer(self, task: AgentTask) -> None:
        """It may be started, by the rank that it has now."""
        heapq.heappush(self._heap, self.rank(task))

    def rank(self, task: AgentTask) -> tuple[int, int, str]:
        """The smallest is first; at its end is the task's id."""
        return -task.priority.amqp, self._places[task.task_id], task.task_id

    def pop(self) -> str | None:
        """The id of the first, which is not offered any more; None if there is none."""
        return heapq.heappop(self._heap)[-1] if self._heap else None
