"""The provider simulator, seen: every call and every answer goes into the history.

It runs in the suite's own process, on a real socket, so that calls have their exact place among all
other events. Each worker has a key of its own: so a call tells who sent it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Set
from typing import Any, Final

from aiohttp import web

from llmbus.worker.provider_simulator import Simulator
from llmbus.worker.provider_simulator.dialect import Dialect
from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact, History
from tests.faults.steps import Step

__all__ = ["WatchedProvider", "key_of", "mark"]

_KEY: Final = re.compile(rb"sk-faults-([\w.-]+?)-secret")
_MARK: Final = re.compile(rb"<task ([\w.-]+)>")


def key_of(worker: str) -> str:
    """The key with which this worker asks. It must appear nowhere else."""
    return f"sk-faults-{worker}-secret"


def mark(task_id: str) -> str:
    """A text for the task's description, by which its calls are known."""
    return f"<task {task_id}>"


class WatchedProvider(Simulator):
    """A simulator whose calls are gated at S6 and S8."""

    def __init__(
        self,
        history: History,
        on_reached: Callable[[Reached], Awaitable[None]],
        latency_seconds: float,
    ) -> None:
        super().__init__(latency_seconds=latency_seconds)
        self._history = history
        self._on_reached = on_reached
        self._calls = 0
        self._silences: dict[str, asyncio.Event] = {}

    async def __aexit__(self, *exc: Any) -> None:
        for task in list(self._silences):
            self.answer_again(task)
        await super().__aexit__(*exc)

    def leave_unanswered(self, task: str) -> None:
        """From now on no call for this task is answered."""
        self._silences.setdefault(task, asyncio.Event())

    def answer_again(self, task: str) -> None:
        """Also those that have waited."""
        if task in self._silences:
            self._silences.pop(task).set()

    @property
    def unanswered(self) -> Set[str]:
        """The tasks of which no call is answered now."""
        return self._silences.keys()

    async def _answer(self, request: web.Request, dialect: Dialect) -> web.StreamResponse:
        who = _found(_KEY, str(sorted(request.headers.items())).encode())
        task = _found(_MARK, await request.read())
        self._calls += 1
        number = self._calls
        self._history.record(Fact.CALLED, who, task, number=number)
        await self._on_reached(Reached(Step.CALLED, who, task, 0))
        if task in self._silences:
            await self._silences[task].wait()
        status = "broken"
        try:
            response = await super()._answer(request, dialect)
            if await _sent(request, response):
                status = str(response.status)
        finally:
            self._history.record(Fact.ANSWERED, who, task, number=number, note=status)
        await self._on_reached(Reached(Step.ANSWERED, who, task, 0))
        return response


async def _sent(request: web.Request, response: web.StreamResponse) -> bool:
    """Send the answer now, for what follows must come after it; whether there was a connection."""
    if request.transport is None or request.transport.is_closing():
        return False
    if not response.prepared:
        await response.prepare(request)
        await response.write_eof()
    return True


def _found(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    return found.group(1).decode() if found else ""
