"""Whatever a provider does, the executor answers with a result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llmbus.shared import AgentTask, AgentType, ExecutionResult, FailureKind
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.worker.executor import Executor
from llmbus.worker.llm_abstractions import BaseLlm, LlmReply, LlmRequest, ScriptedProviders
from tests.support.failures import failure_kind

Answer = Callable[[LlmRequest], Awaitable[LlmReply]]


class OwnLlm(BaseLlm):
    """A provider that somebody wrote, with its defects."""

    provider = "own"

    def __init__(self, model: str, answer: Answer) -> None:
        super().__init__(model)
        self._answer = answer

    async def generate(self, request: LlmRequest) -> LlmReply:
        return await self._answer(request)


class OwnProviders(ScriptedProviders):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **_kwargs: Any
    ) -> Any:
        return OwnLlm(model or "own-1", self._answer)


async def execute(answer: Answer, **metadata: Any) -> ExecutionResult:
    task = AgentTask("t1", "Title", "Do it.", "gpt-4", metadata=metadata)
    agent = RequestedAgent(AgentType.OPENAI_GPT, "of-the-agent", max_tokens=100, temperature=0.5)
    return await Executor(OwnProviders(answer), SystemClock()).execute(task, agent, 1)


async def test_defect_of_a_provider_is_a_failed_result_without_its_key() -> None:
    async def broken(request: LlmRequest) -> LlmReply:
        raise KeyError("no answer for key sk-abcdef1234567890")

    result = await execute(broken)
    assert failure_kind(result) is FailureKind.INTERNAL
    assert "KeyError" in result.error
    assert "sk-abcdef" not in result.error


async def test_cancellation_that_nobody_asked_for_is_an_unknown_outcome() -> None:
    async def lost(request: LlmRequest) -> LlmReply:
        raise asyncio.CancelledError

    result = await execute(lost)
    assert failure_kind(result) is FailureKind.OUTCOME_UNKNOWN
    assert not (result.failure and result.failure.retryable)


async def test_cancellation_that_was_asked_for_passes() -> None:
    begun = asyncio.Event()

    async def slow(request: LlmRequest) -> LlmReply:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    running = asyncio.create_task(execute(slow))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def echo(request: LlmRequest) -> LlmReply:
    said = f"{request.max_tokens} {request.temperature}"
    return LlmReply(text=said, finish_reason="stop", usage=None, model="m", provider="own")


async def test_agent_says_how_to_ask_and_the_task_overrides() -> None:
    assert (await execute(echo)).output == "100 0.5"
    assert (await execute(echo, max_tokens=7, temperature=0.0)).output == "7 0.0"


@pytest.mark.parametrize("wrong", [{"max_tokens": "many"}, {"temperature": "hot"}, {"model": 7}])
async def test_senseless_wish_is_a_failed_result(wrong: dict[str, Any]) -> None:
    result = await execute(echo, **wrong)
    assert failure_kind(result) is FailureKind.REJECTED
    assert next(iter(wrong)) in result.error
