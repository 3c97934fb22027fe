"""The paid calls of all workers, each waiting until the model says how it ends."""

from __future__ import annotations

import asyncio

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions.errors import CALL_ERRORS
from tests.model.journal import Call, Journal, Span
from tests.model.runs import this_run

__all__ = ["LONGEST_CALL_SECONDS", "HeldCalls"]

LONGEST_CALL_SECONDS = 40.0
"""Of tasks that do not say."""


class HeldCalls:
    """Once `open`, they are answered at once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[Call, asyncio.Future[str]] = {}
        self._count = 0
        self._is_open = False

    @property
    def waiting(self) -> list[Call]:
        """What has not been answered, oldest first."""
        return [call for call, answer in self._waiting.items() if not answer.done()]

    @property
    def waiting_for_providers(self) -> list[Call]:
        """Those that are made over a connection of the worker itself."""
        return [call for call in self.waiting if not call.by_script]

    def answer(self, call: Call) -> None:
        call.ending = "answered"
        self._waiting[call].set_result(f"answer {call.number}")

    def fail(self, call: Call, kind: FailureKind) -> None:
        call.ending = kind
        sent = kind is FailureKind.OUTCOME_UNKNOWN
        self._waiting[call].set_exception(CALL_ERRORS[kind](f"call {call.number}", sent=sent))

    def break_off(self, call: Call) -> None:
        """As an SDK that cancels the call when its connection breaks."""
        call.ending = FailureKind.OUTCOME_UNKNOWN
        self._waiting[call].cancel()

    def open(self) -> None:
        """Answer all that waits and all that comes."""
        self._is_open = True
        for call in self.waiting:
            self.answer(call)

    async def ask(self, *, by_script: bool) -> str:
        """One call, for the run as a part of which this is awaited."""
        run = this_run.get()
        assert run is not None, "only runs make calls"
        loop = asyncio.get_running_loop()
        self._count += 1
        limit = self._journal.asked_of(run).timeout_seconds or LONGEST_CALL_SECONDS
        call = Call(run, self._count, Span(loop.time()), limit, by_script)
        self._journal.calls.setdefault(call.task_id, []).append(call)
        self._waiting[call] = loop.create_future()
        if self._is_open:
            self.answer(call)
        try:
            return await self._waiting[call]
        finally:
            if call.ending == "running":
                call.ending = "cut"
            call.time.end = loop.time()
            del self._waiting[call]
