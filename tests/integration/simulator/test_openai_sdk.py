"""The real OpenAI SDK against the simulator, on both APIs."""

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from llmbus.worker.provider_simulator import WRONG_KEY, Behaviour, Finish, Simulator, Stream

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there."}]
TOOL: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"days": {"type": "integer", "minimum": 3}},
            "required": ["days"],
        },
    },
}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ],
}


async def test_chat_answers(gpt: openai.AsyncOpenAI) -> None:
    done = await gpt.chat.completions.create(model="gpt-4o", messages=HELLO, temperature=0.3)
    assert done.choices[0].message.content == "Simulated answer to: Hello there."
    assert done.choices[0].finish_reason == "stop"
    assert done._request_id  # pyright: ignore[reportPrivateUsage]  the SDK's public name
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


async def test_chat_streams_usage_only_if_asked(gpt: openai.AsyncOpenAI) -> None:
    for wanted in (True, False):
        stream = await gpt.chat.completions.create(
            model="gpt-6-luna",
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": wanted},
        )
        chunks = [chunk async for chunk in stream]
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(pieces) == "Simulated answer to: Hello there."
        assert [bool(chunk.usage) for chunk in chunks].count(True) == int(wanted)
        assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in chunks)


async def test_chat_calls_the_tool(gpt: openai.AsyncOpenAI) -> None:
    for streams in (False, True):
        if streams:
            async with gpt.chat.completions.stream(
                model="gpt-4o", messages=HELLO, tools=[TOOL], tool_choice="required"
            ) as stream:
                choice: Any = (await stream.get_final_completion()).choices[0]
        else:
            done = await gpt.chat.completions.create(
                model="gpt-4o", messages=HELLO, tools=[TOOL], tool_choice="required"
            )
            choice = done.choices[0]
        [call] = choice.message.tool_calls
        assert choice.finish_reason == "tool_calls"
        assert (call.function.name, call.function.arguments) == ("weather", '{"days":3}')


async def test_all_tokens_may_go_into_reasoning(gpt: openai.AsyncOpenAI) -> None:
    done = await gpt.chat.completions.create(
        model="gpt-6-luna", messages=HELLO, max_completion_tokens=16
    )
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("", "length")


async def test_json_answer_fits_the_schema(gpt: openai.AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    done = await gpt.chat.completions.create(model="gpt-4o", messages=HELLO, response_format=wanted)
    assert done.choices[0].message.content == '{"ok":true}'


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        (Finish.REFUSAL, ("stop", None, "I can't help with that.")),
        (Finish.FILTER, ("content_filter", None, None)),
    ],
)
async def test_chat_refuses(
    gpt: openai.AsyncOpenAI, simulator: Simulator, finish: Finish, expected: tuple[str, Any, Any]
) -> None:
    simulator.script(Behaviour(finish=finish))
    choice = (await gpt.chat.completions.create(model="gpt-4o", messages=HELLO)).choices[0]
    assert (choice.finish_reason, choice.message.content, choice.message.refusal) == expected


async def test_chat_stream_fails_with_an_error_chunk(
    gpt: openai.AsyncOpenAI, simulator: Simulator
) -> None:
    simulator.script(Behaviour(stream=Stream.ERROR))
    stream = await gpt.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError) as caught:
        [chunk async for chunk in stream]
    assert caught.value.type == "server_error"


async def test_responses_answer(gpt: openai.AsyncOpenAI) -> None:
    done = await gpt.responses.create(model="gpt-6.1-sol", input="Hello there.", store=False)
    assert done.output_text == "Simulated answer to: Hello there."
    assert [item.type for item in done.output] == ["reasoning", "message"]
    assert done.usage is not None
    assert done.usage.output_tokens > done.usage.output_tokens_details.reasoning_tokens > 0


async def test_responses_stream(gpt: openai.AsyncOpenAI) -> None:
    async with gpt.responses.stream(model="gpt-6-luna", input="Hello there.") as stream:
        pieces = [
            event.delta async for event in stream if event.type == "response.output_text.delta"
        ]
        done = await stream.get_final_response()
    assert "".join(pieces) == done.output_text == "Simulated answer to: Hello there."


async def test_responses_call_the_tool_and_take_its_result(gpt: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "name": "weather", "strict": False, "parameters": {}}
    async with gpt.responses.stream(
        model="gpt-6-luna", input="Rain?", tools=[tool], tool_choice="required"
    ) as stream:
        done = await stream.get_final_response()
    [reasoning, call] = done.output
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("weather", "{}")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Yes."}
    items: Any = [
        {"role": "user", "content": "Rain?"},
        reasoning.to_dict(),
        call.to_dict(),
        output,
    ]
    followed = await gpt.responses.create(model="gpt-6-luna", input=items, tools=[tool])
    assert followed.status == "completed"


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        (Finish.LENGTH, "incomplete", "max_output_tokens"),
        (Finish.FILTER, "incomplete", "content_filter"),
        (Finish.FAILED, "failed", "server_error"),
        (Finish.REFUSAL, "completed", None),
    ],
)
async def test_responses_end_otherwise(
    gpt: openai.AsyncOpenAI, simulator: Simulator, finish: Finish, status: str, reason: str | None
) -> None:
    simulator.script(Behaviour(finish=finish), Behaviour(finish=finish))
    done = await gpt.responses.create(model="gpt-6-luna", input="Hello.")
    assert done.status == status
    said = done.incomplete_details.reason if done.incomplete_details else None
    assert (said or (done.error and done.error.code)) == reason
    events = [
        event
        async for event in await gpt.responses.create(
            model="gpt-6-luna", input="Hello.", stream=True
        )
    ]
    assert events[-1].type == f"response.{status}"


async def test_responses_stream_fails_with_an_ordinary_event(
    gpt: openai.AsyncOpenAI, simulator: Simulator
) -> None:
    simulator.script(Behaviour(stream=Stream.ERROR, error_code="rate_limit_exceeded"))
    stream = await gpt.responses.create(model="gpt-6-luna", input="Hello.", stream=True)
    last = [event async for event in stream][-1]
    assert last.type == "error"
    assert last.code == "rate_limit_exceeded"


CHAT_REFUSALS: dict[str, dict[str, Any]] = {
    "max_completion_tokens": {"max_tokens": 100},
    "'temperature' does not support": {"temperature": 0.5},
    "'top_p' does not support": {"top_p": 0.5},
    "empty array": {"messages": []},
    "Invalid value: 'robot'": {"messages": [{"role": "robot", "content": "Hi."}]},
    "got null": {"messages": [{"role": "assistant", "content": None}]},
    "'due' was unexpected": {"messages": [{**HELLO[0], "due": 1}]},
    "response messages: c1": {"messages": [*HELLO, CALL, *HELLO]},
    "must be a response": {"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]},
    "Supported values are: text": {
        "messages": [{"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}]
    },
    "expected a URL": {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "cat"}}]}
        ]
    },
    "'reasoning_effort' is not supported": {"model": "gpt-4o", "reasoning_effort": "low"},
    "expected a number": {"temperature": 3},
    r"tools\[0\].function.name": {"tools": [{"type": "function", "function": {}}]},
    "supplied: foo": {"extra_body": {"foo": 1}},
    "'stream_options' is only": {"stream_options": {"include_usage": True}},
    "the word 'json'": {"response_format": {"type": "json_object"}},
    "reasoning_effort 'none'": {"tools": [TOOL]},
    "'tool_choice' is only": {"tool_choice": "auto"},
    "integer below minimum": {"max_completion_tokens": 0},
}


@pytest.mark.parametrize("text", CHAT_REFUSALS)
async def test_chat_request_is_refused(gpt: openai.AsyncOpenAI, text: str) -> None:
    request: dict[str, Any] = {"model": "gpt-6-luna", "messages": HELLO} | CHAT_REFUSALS[text]
    with pytest.raises(openai.BadRequestError, match=text):
        await gpt.chat.completions.create(**request)


RESPONSES_REFUSALS: dict[str, dict[str, Any]] = {
    "moved to 'max_output_tokens'": {"extra_body": {"max_tokens": 100}},
    "moved to 'input'": {"extra_body": {"messages": HELLO}},
    "moved to 'text.format'": {"extra_body": {"response_format": {"type": "text"}}},
    "Unknown parameter: 'stop'": {"extra_body": {"stop": ["x"]}},
    "integer below minimum": {"max_output_tokens": 15},
    "Invalid value: 'text'": {
        "input": [{"role": "user", "content": [{"type": "text", "text": "Hi."}]}]
    },
    "Supported values are: 'output_text'": {
        "input": [{"role": "assistant", "content": [{"type": "input_text", "text": "Hi."}]}]
    },
    "Invalid value: 'robot'": {"input": [{"role": "robot", "content": "Hi."}]},
    "Unknown parameter: 'input": {"input": [{"role": "user", "content": "Hi.", "name": "Ann"}]},
    "Invalid value: 'dance'": {"input": [{"type": "dance"}]},
    "No tool output found": {
        "input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]
    },
    "No tool call found": {
        "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]
    },
    r"'tools\[0\].name'": {"tools": [TOOL]},
    "'temperature' does not support": {"temperature": 0.2},
    "does not support 'none'": {"model": "gpt-6.1-sol", "reasoning": {"effort": "none"}},
}


@pytest.mark.parametrize("text", RESPONSES_REFUSALS)
async def test_responses_request_is_refused(gpt: openai.AsyncOpenAI, text: str) -> None:
    hello: dict[str, Any] = {"model": "gpt-6-luna", "input": "Hello."}
    request = hello | RESPONSES_REFUSALS[text]
    with pytest.raises(openai.BadRequestError, match=text):
        await gpt.responses.create(**request)


async def test_sampling_is_taken_without_reasoning(gpt: openai.AsyncOpenAI) -> None:
    done = await gpt.chat.completions.create(
        model="gpt-6-luna", messages=HELLO, reasoning_effort="none", temperature=0.5
    )
    assert done.usage is not None
    assert done.usage.completion_tokens == 9


@pytest.mark.parametrize("model", ["gpt-5.2-codex", "gpt-5.4-pro", "gpt-4-turbo", "openai/gpt-4o"])
async def test_chat_does_not_serve_it(gpt: openai.AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError):
        await gpt.chat.completions.create(model=model, messages=HELLO)


async def test_wrong_key_is_refused(gpt: openai.AsyncOpenAI) -> None:
    client = gpt.with_options(api_key=WRONG_KEY)
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.responses.create(model="gpt-6-luna", input="Hello.")
    assert caught.value.code == "invalid_api_key"


async def test_compatible_servers_models_take_max_tokens(gpt: openai.AsyncOpenAI) -> None:
    done = await gpt.chat.completions.create(
        model="meta-llama/Llama-4-8B", messages=HELLO, max_tokens=100, temperature=1.5
    )
    assert done.model == "meta-llama/Llama-4-8B"


async def test_models_are_listed_with_their_end(gpt: openai.AsyncOpenAI) -> None:
    listed = {model.id: model.to_dict() async for model in gpt.models.list()}
    assert listed["gpt-4o"]["shutdown_date"] == "2027-01-14"
    assert "gpt-4-turbo" not in listed
