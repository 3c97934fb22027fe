"""From a task to its result: what is asked, and what of the reply is kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from llmbus.shared import AgentTask, AgentType, ExecutionStatus, FailureKind, Usage
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult
from llmbus.worker.executor import Executor
from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, LlmReply, LlmRequest, ToolCall
from llmbus.worker.llm_abstractions.errors import AnswerRefusedError

AGENT = RequestedAgent(AgentType.OPENAI_GPT, "gpt-4o", max_tokens=4_000, temperature=0.7)
TOOL = {"type": "function", "function": {"name": "look"}}
CALL = ToolCall(id="c1", name="look", arguments="{}")
REPLY = LlmReply(
    text="Paris.",
    finish_reason="stop",
    usage=Usage(1_000, 1_000),
    model="gpt-4o-2024-11-20",
    provider="openai-gpt",
    request_id="req-1",
    endpoint="chat",
)


class Replying(BaseLlm):
    """Gives `outcome`, and keeps what it was asked."""

    provider = "openai-gpt"
    outcome: LlmReply | Exception = REPLY
    asked: LlmRequest | None = None

    async def generate(self, request: LlmRequest) -> LlmReply:
        Replying.asked = request
        if isinstance(Replying.outcome, Exception):
            raise Replying.outcome
        return Replying.outcome


async def run(outcome: LlmReply | Exception = REPLY, **metadata: Any) -> ExecutionResult:
    def build(model: str | None = None, **_: Any) -> BaseLlm:
        return Replying(model or "default")

    task = AgentTask(
        task_id="t-1", title="T", description="Where?", agent="gpt-4", metadata=metadata
    )
    Replying.outcome, Replying.asked = outcome, None
    with LlmFactory.registered("openai-gpt", build):
        return await Executor(LlmFactory, SystemClock()).execute(task, AGENT, 1)


def asked() -> LlmRequest:
    assert Replying.asked is not None
    return Replying.asked


async def test_result_says_where_it_is_from_and_what_it_cost() -> None:
    result = await run()
    assert (result.status, result.output) == (ExecutionStatus.SUCCESS, "Paris.")
    assert result.started_at <= datetime.now(UTC)
    assert result.metadata == {
        "execution_mode": "llm_direct",
        "provider": "openai-gpt",
        "model": "gpt-4o-2024-11-20",
        "requested_model": "gpt-4o",
        "endpoint": "chat",
        "finish_reason": "stop",
        "request_id": "req-1",
    }
    assert result.usage is not None
    assert result.usage.cost_usd == pytest.approx(0.0125)


async def test_agent_says_what_the_task_does_not() -> None:
    await run()
    assert (asked().max_tokens, asked().temperature, asked().tools) == (4_000, 0.7, [])


async def test_task_says_what_it_wants() -> None:
    await run(
        max_tokens=9,
        temperature=0,
        tools=[TOOL],
        tool_choice="auto",
        response_format={"type": "json_object"},
        stop="END",
        context={"any": "thing"},
    )
    request = asked()
    assert (request.max_tokens, request.temperature) == (9, 0)
    assert (request.tools, request.tool_choice) == ([TOOL], "auto")
    assert (request.response_format, request.stop) == ({"type": "json_object"}, ["END"])


async def test_tool_calls_are_kept_with_all_that_is_needed_to_go_on() -> None:
    thought = {"type": "reasoning", "encrypted_content": "x"}
    reply = LlmReply(
        text="",
        finish_reason="tool_calls",
        usage=None,
        model="m",
        provider="openai-gpt",
        tool_calls=(CALL,),
        thinking=(thought,),
    )
    result = await run(reply, tools=[TOOL])
    assert result.status is ExecutionStatus.SUCCESS
    assert result.metadata["assistant_message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
        "thinking": {"provider": "openai-gpt", "blocks": [thought]},
    }
    assert ExecutionResult.from_dict(result.to_dict()).metadata == result.metadata


@pytest.mark.parametrize(
    "metadata", [{"max_tokens": "many"}, {"max_tokens": 0}, {"tools": "look"}, {"stop": [1]}]
)
async def test_wrong_wish_is_rejected_unsent_and_named(metadata: dict[str, Any]) -> None:
    result = await run(**metadata)
    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED
    assert next(iter(metadata)) in result.failure.message
    assert Replying.asked is None


async def test_failure_that_was_paid_for_says_what_it_cost() -> None:
    result = await run(AnswerRefusedError("No.", sent=True, usage=Usage(1_000, 1_000)))
    assert result.failure is not None
    assert result.failure.kind is FailureKind.REFUSED
    assert result.usage is not None
    assert result.usage.cost_usd == pytest.approx(0.0125)


async def test_defect_of_a_provider_is_a_failed_result() -> None:
    result = await run(ZeroDivisionError("oops"))
    assert result.failure is not None
    assert (result.failure.kind, result.status) == (FailureKind.INTERNAL, ExecutionStatus.FAILED)
