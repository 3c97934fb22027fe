"""The real Anthropic SDK against the simulator."""

from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from llmbus.worker.provider_simulator import (
    WRONG_KEY,
    Behaviour,
    Finish,
    Simulator,
    Stream,
    fingerprint,
)
from tests.integration.simulator.conftest import KEY

MODEL = "claude-sonnet-5-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there."}]
TOOL: ToolParam = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
    },
}
CALL: MessageParam = {
    "role": "assistant",
    "content": [
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Paris"}},
        {"type": "tool_use", "id": "t2", "name": "weather", "input": {"city": "Rome"}},
    ],
}


def results(*call_ids: str) -> MessageParam:
    return {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": one, "content": "Rain."} for one in call_ids
        ],
    }


async def test_answer_has_thinking_first_and_plausible_usage(
    claude: anthropic.AsyncAnthropic,
) -> None:
    message = await claude.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[1].to_dict()["text"] == "Simulated answer to: Hello there."
    assert (message.model, message.stop_reason) == (MODEL, "end_turn")
    assert message._request_id  # pyright: ignore[reportPrivateUsage]  the SDK's public name
    details = message.usage.output_tokens_details
    assert details is not None
    assert message.usage.output_tokens > details.thinking_tokens > 0


async def test_long_prompt_is_partly_cached(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "word " * 2_000}]
    )
    assert message.usage.cache_read_input_tokens
    assert message.usage.input_tokens + message.usage.cache_read_input_tokens == 2_500


async def test_stream_gives_the_same(claude: anthropic.AsyncAnthropic) -> None:
    async with claude.messages.stream(model=MODEL, max_tokens=100, messages=HELLO) as stream:
        kinds = {event.type async for event in stream}
        message = await stream.get_final_message()
    assert {"thinking", "text", "message_stop"} <= kinds
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.usage.output_tokens > 20


async def test_tool_call_fits_the_schema_and_its_result_is_taken(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    simulator.script(Behaviour(finish=Finish.TOOL))
    async with claude.messages.stream(
        model=MODEL, max_tokens=100, messages=HELLO, tools=[TOOL]
    ) as stream:
        message = await stream.get_final_message()
    [_, call] = message.content
    assert message.stop_reason == "tool_use"
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("weather", {"city": "Paris"})
    turn: MessageParam = {"role": "assistant", "content": message.content}
    follow_up: list[MessageParam] = [*HELLO, turn, results(call.id)]
    answer = await claude.messages.create(
        model=MODEL, max_tokens=100, messages=follow_up, tools=[TOOL]
    )
    assert answer.stop_reason == "end_turn"


async def test_small_limit_cuts_the_answer(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(model=MODEL, max_tokens=20, messages=HELLO)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 20)
    assert [block.type for block in message.content] == ["thinking"]


async def test_stop_sequence_ends_the_answer(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(
        model=MODEL, max_tokens=100, messages=HELLO, stop_sequences=[" to"]
    )
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " to")


async def test_refusal_is_an_empty_answer(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    simulator.script(Behaviour(finish=Finish.REFUSAL))
    message = await claude.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details is not None


async def test_stream_fails_with_the_error_event(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    simulator.script(Behaviour(stream=Stream.ERROR, status=529))
    stream = await claude.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=True)
    with pytest.raises(anthropic.APIStatusError) as caught:
        [event async for event in stream]
    assert caught.value.type == "overloaded_error"


async def test_what_was_sent_is_there_without_the_key(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    await claude.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    [received] = simulator.received
    assert (received.vendor, received.api, received.status) == ("anthropic", "messages", 200)
    assert received.body == {"model": MODEL, "max_tokens": 100, "messages": HELLO}
    assert received.key == fingerprint(KEY)
    assert KEY not in repr(received)


async def test_wrong_key_is_refused(claude: anthropic.AsyncAnthropic) -> None:
    client = claude.with_options(api_key=WRONG_KEY)
    with pytest.raises(anthropic.AuthenticationError):
        await client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)


async def test_retired_model_is_unknown(claude: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.create(
            model="claude-opus-4-1-20250805", max_tokens=100, messages=HELLO
        )


REFUSED: dict[str, dict[str, Any]] = {
    "max_tokens: 200000": {"max_tokens": 200_000, "timeout": 60},
    "prefill": {"messages": [*HELLO, {"role": "assistant", "content": "I"}]},
    "text content blocks": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]
    },
    "non-empty content": {"messages": [{"role": "user", "content": ""}]},
    "first message": {"messages": [{"role": "assistant", "content": "Hi."}, *HELLO]},
    "at least one message": {"messages": []},
    "Unexpected role": {"messages": [{"role": "system", "content": "Be brief."}, *HELLO]},
    "messages.0.name: Extra": {"messages": [{**HELLO[0], "name": "Ann"}]},
    "without `tool_result`": {"messages": [*HELLO, CALL, results("t1"), results("t2")]},
    "immediately after: t1": {
        "messages": [*HELLO, CALL, {"role": "user", "content": "Well?"}, results("t1", "t2")]
    },
    "unexpected `tool_use_id`": {"messages": [*HELLO, CALL, results("t1", "t2", "t3")]},
    "valid dictionary": {
        "messages": [
            *HELLO,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t1", "name": "w", "input": "{}"}],
            },
            results("t1"),
        ]
    },
    "base64": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "?"},
                    }
                ],
            }
        ]
    },
    "Input tag 'function'": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "forcing tool use": {"tools": [TOOL], "tool_choice": {"type": "any"}},
    "thinking.type: 'disabled'": {"thinking": {"type": "disabled"}},
    "thinking.type: 'enabled'": {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
    "foo: Extra inputs": {"extra_body": {"foo": 1}},
    "greater than or equal to 1": {"max_tokens": 0},
    "while providing tools": {"tool_choice": {"type": "any"}},
    "tools.0.input_schema: Field": {"tools": [{"name": "f"}]},
    "tools.0.name: Field": {"tools": [{"input_schema": {}}]},
    "thinking.type: Input should": {"thinking": {"type": "hard"}},
    "cannot be disabled": {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
    "trailing whitespace": {
        "model": "claude-haiku-4-5",
        "messages": [*HELLO, {"role": "assistant", "content": "I "}],
    },
    "should be at least 1024": {
        "model": "claude-haiku-4-5",
        "thinking": {"type": "enabled", "budget_tokens": 10},
    },
    "must be greater than": {
        "model": "claude-haiku-4-5",
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
    },
    "`temperature` is deprecated": {"extra_body": {"temperature": 0.5}},
}


@pytest.mark.parametrize("text", REFUSED)
async def test_request_is_refused(
    claude: anthropic.AsyncAnthropic, simulator: Simulator, text: str
) -> None:
    request: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": HELLO}
    with pytest.raises(anthropic.BadRequestError, match=text):
        await claude.messages.create(**request | REFUSED[text])
    assert text in str(simulator.received[0].refusal)


async def test_older_model_takes_a_prefill_and_a_temperature_of_the_old_version(
    claude: anthropic.AsyncAnthropic,
) -> None:
    prefilled: list[MessageParam] = [*HELLO, {"role": "assistant", "content": "I"}]
    message = await claude.messages.create(
        model="claude-haiku-4-5",
        max_tokens=100,
        messages=prefilled,
        extra_body={"temperature": 0.5},
        extra_headers={"anthropic-version": "2023-06-01"},
    )
    assert [block.type for block in message.content] == ["text"]
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        await claude.messages.create(
            model="claude-haiku-4-5",
            max_tokens=100,
            messages=HELLO,
            extra_body={"temperature": 0.5},
        )


async def test_models_are_listed(claude: anthropic.AsyncAnthropic) -> None:
    listed = [model.id async for model in claude.models.list()]
    assert MODEL in listed
    assert "claude-opus-4-1" not in listed
