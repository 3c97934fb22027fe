"""Who is measured, and what each of them must be able to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Address", "Agent", "Contender", "Orchestrator", "Program"]


class Contender(StrEnum):
    """One way to get the same work done."""

    LLMBUS = "llmbus"
    LLMBUS_LOGGING = "llmbus-logging"
    """The same, with the log that `llmbus worker` writes: two lines for each task."""
    WITHOUT_CLAIMS = "without-claims"
    """The same, with a store that gives every claim and remembers nothing: the bare bus."""
    BY_HAND = "by-hand"


@dataclass(frozen=True)
class Address:
    """Where the services are, and the part of them that belongs to this contender alone."""

    amqp_url: str
    redis_url: str
    prefix: str


class Agent:
    """What a task costs beside the bus: nothing. Told to, it keeps tasks in flight for ever."""

    def __init__(self) -> None:
        self._to_hold = 0
        self._all_held = asyncio.Event()

    def hold(self, tasks: int) -> None:
        """Answer none of the next tasks."""
        self._to_hold = tasks

    async def all_held(self) -> None:
        """Returns when so many are in flight."""
        await self._all_held.wait()

    async def answer(self, task_id: str) -> str:
        """At once, unless it holds."""
        if self._to_hold:
            self._to_hold -= 1
            if not self._to_hold:
                self._all_held.set()
            await asyncio.Event().wait()
        return answer_to(task_id)


def answer_to(task_id: str) -> str:
    """What every task must come back with."""
    return f"Task {task_id} is done."


class Orchestrator(Protocol):
    """The side that hands out tasks. All are confirmed by the broker, persistent and mandatory."""

    async def ask(self, task_id: str) -> str:
        """Submit one task and wait for its answer."""
        ...

    async def ask_many(self, task_ids: Sequence[str]) -> list[str]:
        """Submit all as fast as the broker confirms them and wait for their answers."""
        ...

    async def submit_many(self, task_ids: Sequence[str]) -> object:
        """Submit all. Whoever keeps the returned object could wait for the answers."""
        ...


class Program(Protocol):
    """The module of a contender."""

    @staticmethod
    def orchestrator(address: Address) -> AbstractAsyncContextManager[Orchestrator]: ...

    @staticmethod
    def worker(
        address: Address, concurrency: int, agent: Agent
    ) -> AbstractAsyncContextManager[object]: ...
