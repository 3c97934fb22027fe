"""One behaviour for every provider: what a caller of `BaseLlm` may rely on."""

import asyncio
import copy
import pickle
import time
from typing import Any

import pytest

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions import LlmError, LlmRequest, TaskOrigin
from llmbus.worker.llm_abstractions.errors import CALL_ERRORS, CallTimedOutError
from tests.contracts.llm.subjects import CONTEXT_TOKENS, TASK_ID, Subject

MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is the capital of France?"},
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather at a place.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CONVERSATION: list[dict[str, Any]] = [
    *MESSAGES,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
            },
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
    {"role": "user", "content": [{"type": "text", "text": "And tomorrow?"}]},
]
KINDS = [
    FailureKind.RATE_LIMITED,
    FailureKind.UNAVAILABLE,
    FailureKind.OUTCOME_UNKNOWN,
    FailureKind.CONTEXT_TOO_LONG,
    FailureKind.REJECTED,
    FailureKind.REFUSED,
    FailureKind.ACCOUNT,
]


TOO_LONG = FailureKind.CONTEXT_TOO_LONG


def too_long() -> LlmRequest:
    text = "word " * CONTEXT_TOKENS
    return LlmRequest(messages=[{"role": "user", "content": text}], origin=TaskOrigin(TASK_ID))


def request_of(**changes: Any) -> LlmRequest:
    return LlmRequest(messages=MESSAGES, origin=TaskOrigin(TASK_ID), **changes)


async def test_reply_says_what_came_from_whom_at_what_price(subject: Subject) -> None:
    subject.will_answer("Paris.")
    reply = await subject.llm.generate(request_of(max_tokens=100, temperature=0.5))
    assert (reply.text, reply.finish_reason) == ("Paris.", "stop")
    assert reply.model.startswith(subject.llm.model)
    assert reply.provider == subject.llm.provider
    assert bool(reply.request_id) is subject.names_request
    assert reply.usage is not None
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert reply.usage.cost_usd is None or reply.usage.cost_usd > 0
    assert reply.tool_calls == ()


async def test_short_form_gives_the_text(subject: Subject) -> None:
    subject.will_answer("Paris.")
    origin = TaskOrigin(TASK_ID)
    text = await subject.llm.generate_content_async(MESSAGES, max_tokens=100, origin=origin)
    assert text == "Paris."


async def test_messages_are_left_as_they_were(subject: Subject) -> None:
    before = copy.deepcopy(CONVERSATION)
    request = LlmRequest(messages=CONVERSATION, tools=[WEATHER], origin=TaskOrigin(TASK_ID))
    await subject.llm.generate(request)
    assert before == CONVERSATION


@pytest.mark.parametrize("kind", KINDS)
async def test_failure_is_typed_and_picklable(subject: Subject, kind: FailureKind) -> None:
    subject.will_fail(kind)
    with pytest.raises(LlmError) as caught:
        await subject.llm.generate(too_long() if kind is TOO_LONG else request_of())
    error = caught.value
    assert type(error) is CALL_ERRORS[kind]
    assert error.retryable is (kind in {FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE})
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
    assert error.to_failure().message


async def test_how_long_to_wait_is_handed_up(subject: Subject) -> None:
    subject.will_fail(FailureKind.RATE_LIMITED, retry_after_seconds=7.0)
    with pytest.raises(LlmError) as caught:
        await subject.llm.generate(request_of())
    assert caught.value.retry_after_seconds == 7.0


async def test_time_limit_is_for_the_whole_call(subject: Subject) -> None:
    subject.will_answer("Too late.", after_seconds=30)
    start = time.perf_counter()
    with pytest.raises(CallTimedOutError) as caught:
        await subject.llm.generate(request_of(timeout_seconds=0.2))
    assert time.perf_counter() - start < 5
    assert (caught.value.sent, caught.value.retryable) == (True, False)


async def test_cancelling_a_call_leaves_the_provider_usable(subject: Subject) -> None:
    subject.will_answer("Never.", after_seconds=30)
    call = asyncio.create_task(subject.llm.generate(request_of()))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    subject.will_answer("Paris.")
    assert (await subject.llm.generate(request_of())).text == "Paris."


async def test_calls_run_side_by_side(subject: Subject) -> None:
    subject.will_answer("Paris.", after_seconds=0.5)
    start = time.perf_counter()
    replies = await asyncio.gather(*(subject.llm.generate(request_of()) for _ in range(20)))
    assert {reply.text for reply in replies} == {"Paris."}
    assert time.perf_counter() - start < 5


async def test_closed_provider_can_be_closed_again_and_asked_again(subject: Subject) -> None:
    subject.will_answer("Paris.")
    await subject.llm.generate(request_of())
    await subject.llm.aclose()
    await subject.llm.aclose()
    assert (await subject.llm.generate(request_of())).text == "Paris."
