"""A provider whose every call waits until the model says how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from llmbus.shared import AgentType, FailureKind
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import CALL_ERRORS
from tests.model.journal import Call, Journal, Span
from tests.model.process import Process

__all__ = ["HeldCalls", "ModelProviders"]


class HeldCalls:
    """The calls of all workers. Once `open`, they are answered at once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[Call, asyncio.Future[str]] = {}
        self._count = 0
        self._is_open = False

    @property
    def waiting(self) -> list[Call]:
        """What has not been answered, oldest first."""
        return [call for call, answer in self._waiting.items() if not answer.done()]

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

    async def ask(self, process: Process, request: LlmRequest) -> str:
        """One call."""
        assert request.origin is not None
        loop = asyncio.get_running_loop()
        self._count += 1
        origin = request.origin
        submission = origin.metadata["submission"]
        time = Span(loop.time())
        call = Call(origin.task_id, submission, origin.attempt, process, time, self._count)
        self._journal.calls.setdefault(call.task_id, []).append(call)
        self._waiting[call] = loop.create_future()
        if self._is_open:
            self.answer(call)
        try:
            return await self._waiting[call]
        finally:
            if call.ending == "running":
                call.ending = "cut"
            time.end = loop.time()
            del self._waiting[call]


class ModelProviders:
    """The providers of one worker process."""

    def __init__(self, process: Process, calls: HeldCalls) -> None:
        self._ask = partial(calls.ask, process)

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **kwargs: Any
    ) -> BaseLlm:
        return _HeldLlm(self._ask)

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        return True

    async def load(self, agent_type: AgentType | str) -> None:
        return None

    async def aclose(self) -> None:
        return None


class _HeldLlm(BaseLlm):
    provider = "held"

    def __init__(self, ask: Callable[[LlmRequest], Awaitable[str]]) -> None:
        super().__init__("held")
        self._ask = ask

    async def generate(self, request: LlmRequest) -> LlmReply:
        text = await self._ask(request)
        return LlmReply(text=text, finish_reason="stop", usage=None, model="held", provider="held")
