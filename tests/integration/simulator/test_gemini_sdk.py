"""The real google-genai SDK against the simulator."""

from typing import Any, cast

import pytest
from google.genai import Client, errors, types

from llmbus.worker.provider_simulator import WRONG_KEY, Behaviour, Finish, Simulator, Stream

# google-genai 3.4 inherits from aiohttp's session, which aiohttp 3.14 warns of
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")

MODEL = "gemini-3.8-flash"
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)
FORCED = types.GenerateContentConfig(
    tools=[TOOL],
    tool_config=types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(
            mode=types.FunctionCallingConfigMode.ANY
        )
    ),
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def user(text: str) -> types.Content:
    return types.UserContent(parts=[types.Part(text=text)])


def call(signature: bytes | None = None) -> types.Content:
    function_call = types.FunctionCall(name="weather", args={"city": "Paris"})
    part = types.Part(function_call=function_call, thought_signature=signature)
    return types.ModelContent(parts=[part])


def detail_of(error: errors.APIError) -> dict[str, Any]:
    [detail] = cast(Any, error).details["error"]["details"]  # the SDK types it loosely
    return cast("dict[str, Any]", detail)


def result() -> types.Part:
    return types.Part.from_function_response(name="weather", response={"result": "Rain."})


async def test_answer_counts_thoughts_apart(gemini: Any) -> None:
    answer = await gemini.generate_content(model=MODEL, contents="Hello there.")
    usage = answer.usage_metadata
    assert answer.text == "Simulated answer to: Hello there."
    assert answer.response_id
    assert usage is not None
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (9, 24)
    assert usage.total_token_count == (usage.prompt_token_count or 0) + 9 + 24


async def test_stream_gives_the_same_with_the_thoughts_asked_for(gemini: Any) -> None:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True)
    )
    stream = await gemini.generate_content_stream(
        model=MODEL, contents="Hello there.", config=config
    )
    parts: list[types.Part] = []
    last = types.GenerateContentResponse()
    async for last in stream:
        for candidate in last.candidates or ():
            parts += (candidate.content and candidate.content.parts) or []
    assert parts[0].thought
    assert "".join(part.text or "" for part in parts[1:]) == "Simulated answer to: Hello there."
    assert last.candidates
    assert last.candidates[0].finish_reason is types.FinishReason.STOP


async def test_tool_call_is_signed_and_its_result_is_taken(gemini: Any) -> None:
    answer = await gemini.generate_content(model=MODEL, contents="Rain?", config=FORCED)
    function_call: Any = answer.function_calls[0]
    assert (function_call.name, function_call.args) == ("weather", {"city": "x"})
    assert answer.candidates
    turn = answer.candidates[0].content
    assert turn is not None
    contents = [user("Rain?"), turn, types.UserContent(parts=[result()])]
    followed = await gemini.generate_content(model=MODEL, contents=contents)
    assert followed.text


@pytest.mark.parametrize(
    ("finish", "blocked", "reason"),
    [
        (Finish.LENGTH, False, types.FinishReason.MAX_TOKENS),
        (Finish.FILTER, False, types.FinishReason.SAFETY),
        (Finish.REFUSAL, True, None),
    ],
)
async def test_answer_ends_otherwise(
    gemini: Any,
    simulator: Simulator,
    finish: Finish,
    blocked: bool,
    reason: types.FinishReason | None,
) -> None:
    simulator.script(Behaviour(finish=finish, times=2))
    answer = await gemini.generate_content(model=MODEL, contents="Hello.")
    stream = await gemini.generate_content_stream(model=MODEL, contents="Hello.")
    last = [chunk async for chunk in stream][-1]
    for one in (answer, last):
        assert bool(one.prompt_feedback and one.prompt_feedback.block_reason) is blocked
        assert (one.candidates[0].finish_reason if one.candidates else None) is reason


async def test_stream_fails_with_an_error_in_it(gemini: Any, simulator: Simulator) -> None:
    simulator.script(Behaviour(stream=Stream.ERROR, status=503, after_events=1))
    stream = await gemini.generate_content_stream(model=MODEL, contents="Hello.")
    with pytest.raises(errors.ServerError):
        [chunk async for chunk in stream]


async def test_waiting_time_is_in_the_details(gemini: Any, simulator: Simulator) -> None:
    simulator.script(Behaviour(status=429, retry_after=7))
    with pytest.raises(errors.ClientError) as caught:
        await gemini.generate_content(model=MODEL, contents="Hello.")
    assert caught.value.code == 429
    assert detail_of(caught.value)["retryDelay"] == "7s"


REFUSED: dict[str, Any] = {
    "must not be empty": [types.Content(role="user", parts=[])],
    "required oneof field": [user("")],
    "valid role": [types.Content(role="system", parts=[types.Part(text="Hi.")])],
    "end with a user role": [user("Hi."), types.ModelContent(parts=[types.Part(text="Hi.")])],
    "missing a `thought_signature`": [
        user("Rain?"),
        call(),
        types.UserContent(parts=[result()]),
    ],
    "number of function response parts": [
        user("Rain?"),
        call(b"signature"),
        types.UserContent(parts=[result(), result()]),
    ],
}


@pytest.mark.parametrize("text", REFUSED)
async def test_conversation_is_refused(gemini: Any, text: str) -> None:
    with pytest.raises(errors.ClientError, match=text) as caught:
        await gemini.generate_content(model=MODEL, contents=REFUSED[text])
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        (MODEL, types.ThinkingConfig(thinking_level=types.ThinkingLevel.MINIMAL)),
        ("gemini-2.5-pro", types.ThinkingConfig(thinking_budget=0)),
        ("gemini-2.5-flash", types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)),
    ],
)
async def test_thinking_is_refused(gemini: Any, model: str, thinking: types.ThinkingConfig) -> None:
    config = types.GenerateContentConfig(thinking_config=thinking)
    with pytest.raises(errors.ClientError, match="400"):
        await gemini.generate_content(model=model, contents="Hello.", config=config)


async def test_retired_model_is_unknown(gemini: Any) -> None:
    with pytest.raises(errors.ClientError) as caught:
        await gemini.generate_content(model="gemini-1.5-pro", contents="Hello.")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


async def test_wrong_key_is_a_bad_request_here(simulator: Simulator) -> None:
    client: Any = Client(api_key=WRONG_KEY, http_options={"base_url": simulator.gemini_url}).aio
    async with client:
        with pytest.raises(errors.ClientError) as caught:
            await client.models.generate_content(model=MODEL, contents="Hello.")
    assert caught.value.code == 400
    assert detail_of(caught.value)["reason"] == "API_KEY_INVALID"


async def test_models_are_listed(gemini: Any) -> None:
    listed = [model.name async for model in await gemini.list()]
    assert f"models/{MODEL}" in listed
    assert "models/gemini-1.5-pro" not in listed
