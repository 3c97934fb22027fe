"""The real services, with the smallest of questions to their cheapest models: a run costs less than
a cent. Skipped for every provider whose key is not set."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import AccountError

CHEAPEST = {
    "chat": ("openai-gpt", "OPENAI_API_KEY", "gpt-4o-mini"),
    "responses": ("openai-gpt", "OPENAI_API_KEY", "gpt-6-luna"),
    "messages": ("anthropic-claude", "ANTHROPIC_API_KEY", "claude-haiku-5-5"),
    "generate_content": ("google-gemini", "GOOGLE_API_KEY", "gemini-3.5-flash-lite"),
}
QUESTION = LlmRequest(
    messages=[
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "What is the capital of France?"},
    ],
    max_tokens=1_000,  # room to think; the answer itself is one token
    timeout_seconds=60,
)
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(params=CHEAPEST)
async def endpoint(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Each API whose key is set."""
    _, variable, model = CHEAPEST[request.param]
    if not os.environ.get(variable, "").strip():
        pytest.skip(f"{variable} is not set: {model} is not asked")
    yield request.param
    await LlmFactory.aclose()


@pytest.fixture
def llm(endpoint: str) -> BaseLlm:
    agent_type, _, model = CHEAPEST[endpoint]
    return LlmFactory.get_provider(agent_type, model)


async def test_model_answers(llm: BaseLlm, endpoint: str) -> None:
    reply = await llm.generate(QUESTION)
    assert "paris" in reply.text.lower()
    assert (reply.finish_reason, reply.endpoint) == ("stop", endpoint)
    assert reply.usage is not None
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


async def test_model_answers_in_a_stream(llm: BaseLlm) -> None:
    *_, last = [item async for item in llm.stream(QUESTION)]
    assert isinstance(last, LlmReply)
    assert "paris" in last.text.lower()
    assert last.usage is not None


async def test_model_calls_a_tool_and_reads_its_result(llm: BaseLlm) -> None:
    ask = {"role": "user", "content": "Look up the weather in Paris, then tell me in one word."}
    reply = await llm.generate(
        LlmRequest(messages=[ask], tools=[TOOL], max_tokens=1_000, timeout_seconds=60)
    )
    assert reply.finish_reason == "tool_calls"
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in reply.tool_calls
    ]
    messages = [ask, reply.as_message(), *results]
    after = await llm.generate(
        LlmRequest(messages=messages, tools=[TOOL], max_tokens=1_000, timeout_seconds=60)
    )
    assert "rain" in after.text.lower()


async def test_wrong_key_is_the_accounts_fault(endpoint: str) -> None:
    agent_type, _, model = CHEAPEST[endpoint]
    llm = LlmFactory.get_provider(agent_type, model, api_key="sk-not-a-real-key-0123456789")
    with pytest.raises(AccountError):
        await llm.generate(QUESTION)
