"""What `GeminiLlm` sends, and what it makes of what comes back: the real SDK over real sockets."""

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmError,
    LlmFactory,
    LlmReply,
    LlmRequest,
    TextDelta,
)
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    AnswerRefusedError,
    CallTimedOutError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.llm import GeminiLlm
from llmbus.worker.provider_simulator import Simulator
from tests.support.gemini_server import Answer, Ending, GeminiServer, generated, refusal
from tests.support.llm_calls import MESSAGES, REQUEST, failure_of

KEY = "hunter2-has-no-usual-shape"
MODEL = "gemini-3.8-flash"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}
WAIT_SECONDS = 5.0


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GeminiServer]:
    """A Gemini API that `GOOGLE_GEMINI_BASE_URL` points to."""
    async with GeminiServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base_url)
        yield server
        await LlmFactory.aclose()


@pytest.fixture
def llm(server: GeminiServer) -> BaseLlm:
    return GeminiLlm(MODEL, api_key=KEY)


async def streamed(llm: BaseLlm, request: LlmRequest = REQUEST) -> tuple[list[str], LlmReply]:
    texts: list[str] = []
    async for item in llm.stream(request):
        if isinstance(item, LlmReply):
            return texts, item
        texts.append(item.text)
    raise AssertionError("no reply")


async def failure_of_stream(llm: BaseLlm, request: LlmRequest = REQUEST) -> LlmError:
    with pytest.raises(LlmError) as caught:
        await streamed(llm, request)
    return caught.value


async def test_request_is_sent_as_the_api_wants_it(server: GeminiServer, llm: BaseLlm) -> None:
    await llm.generate(
        LlmRequest(
            messages=[{"role": "system", "content": "Be brief."}, *MESSAGES],
            max_tokens=50,
            temperature=0.2,
            timeout_seconds=2.5,
            stop=["END"],
            tools=[TOOL],
            tool_choice="required",
            response_format={"type": "json_object"},
            options={"top_p": 0.5, "thinking_config": {"thinking_level": "low"}},
        )
    )
    (received,) = server.received
    assert received.path == f"/v1/models/{MODEL}:generateContent"
    assert received.headers["x-goog-api-key"] == KEY
    assert received.headers["X-Server-Timeout"] == "3"
    body = received.body
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hello?"}]}]
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["store"] is False
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert [each["name"] for each in body["tools"][0]["functionDeclarations"]] == ["weather"]
    assert body["generationConfig"] == {
        "temperature": 0.2,
        "topP": 0.5,
        "maxOutputTokens": 50,
        "stopSequences": ["END"],
        "responseMimeType": "application/json",
        "thinkingConfig": {"thinking_level": "LOW"},
    }


async def test_reply_says_what_came_from_whom_at_what_price(
    server: GeminiServer, llm: BaseLlm
) -> None:
    reply = await llm.generate(REQUEST)
    assert (reply.text, reply.finish_reason, reply.request_id) == ("Hello.", "stop", "response-1")
    assert (reply.model, reply.provider) == ("gemini-a-model-001", "google-gemini")
    assert reply.usage == Usage(12, 5, 8, 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_go_there_and_back_with_their_signature(
    server: GeminiServer, llm: BaseLlm, stream: bool
) -> None:
    function_call: dict[str, Any] = {"name": "weather", "args": {}, "id": "c1"}
    call = {"functionCall": function_call, "thoughtSignature": "_-8="}
    server.script(Answer(body=generated(call)))
    reply = (await streamed(llm))[1] if stream else await llm.generate(REQUEST)
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    answered = {"role": "tool", "tool_call_id": "c1", "content": "fine"}
    history = [*MESSAGES, reply.as_message(), answered]
    await llm.generate(LlmRequest(messages=history, tools=[TOOL]))
    model_turn, user_turn = server.received[-1].body["contents"][1:]
    assert model_turn["parts"][0]["thoughtSignature"].rstrip("=") in {"_-8", "/+8"}
    assert user_turn["parts"][0]["functionResponse"]["name"] == "weather"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(429, "RESOURCE_EXHAUSTED", retry_delay="7s"), RateLimitedError),
        (refusal(429, "RESOURCE_EXHAUSTED", quota="RequestsPerDay"), AccountError),
        (refusal(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID"), AccountError),
        (refusal(503, "UNAVAILABLE"), ProviderUnavailableError),
        (Answer(status=503, body=b"<html>", headers={"content-type": "text/html"}),
         ProviderUnavailableError),
        (Answer(status=502, body=b"<html>"), OutcomeUnknownError),
        (Answer(body=b""), OutcomeUnknownError),
        (Answer(body=b"<html>"), OutcomeUnknownError),
        (Answer(body=b"\xff\xfe"), OutcomeUnknownError),
        (Answer(body={}), OutcomeUnknownError),
        (Answer(body={"promptFeedback": {"blockReason": "SAFETY"}}), AnswerRefusedError),
        (Answer(ending=Ending.DROP_BEFORE_ANSWER), OutcomeUnknownError),
        (Answer(ending=Ending.DROP_IN_BODY), OutcomeUnknownError),
    ],
)  # fmt: skip
async def test_whatever_goes_wrong_is_ours_and_asked_once(
    server: GeminiServer, llm: BaseLlm, answer: Answer, expected: type[LlmError]
) -> None:
    server.script(answer)
    start = time.perf_counter()
    error = await failure_of(llm)
    assert type(error) is expected
    assert error.sent
    assert len(server.received) == 1
    assert time.perf_counter() - start < WAIT_SECONDS
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


async def test_how_long_to_wait_is_handed_up(server: GeminiServer, llm: BaseLlm) -> None:
    server.script(refusal(429, "RESOURCE_EXHAUSTED", retry_delay="7s"))
    assert (await failure_of(llm)).retry_after_seconds == 7.0


async def test_redirect_is_not_followed(server: GeminiServer, llm: BaseLlm) -> None:
    elsewhere = f"{server.base_url}/v1/models/other:generateContent"
    server.script(Answer(status=307, headers={"location": elsewhere}))
    assert (await failure_of(llm)).status == 307
    assert len(server.received) == 1


async def test_answer_cut_by_the_service_is_not_continued_by_a_second_request(
    server: GeminiServer, llm: BaseLlm
) -> None:
    cut = generated("Once upon", finish="CONTINUATION")
    cut["candidates"][0]["continuationToken"] = "c2ln"
    server.default = Answer(body=cut, pieces=[cut])
    assert (await llm.generate(REQUEST)).finish_reason == "length"
    assert len(server.received) == 1
    assert (await streamed(llm))[1].finish_reason == "length"
    assert len(server.received) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_is_sent_where_nobody_listens(stream: bool) -> None:
    llm = GeminiLlm(MODEL, api_key=KEY, api_endpoint="http://127.0.0.1:1")
    start = time.perf_counter()
    error = await (failure_of_stream(llm) if stream else failure_of(llm))
    assert (type(error), error.sent) == (ProviderUnavailableError, False)
    assert time.perf_counter() - start < 1  # left to itself, the SDK tries again after 1 to 10 s
    await LlmFactory.aclose()


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "http://"])
async def test_address_that_is_none_is_rejected_unsent(endpoint: str) -> None:
    llm = GeminiLlm(MODEL, api_key=KEY, api_endpoint=endpoint)
    error = await failure_of(llm)
    assert (type(error), error.sent) == (RequestRejectedError, False)
    await LlmFactory.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        LlmRequest(messages=MESSAGES, options={"nonsense": 1}),
        LlmRequest(messages=MESSAGES, options={"audio_timestamp": True}),
        LlmRequest(messages=MESSAGES, options={"seed": "many"}),
        LlmRequest(messages=[{"role": "user", "content": ""}]),
    ],
)
async def test_request_that_makes_no_sense_is_not_sent(
    server: GeminiServer, llm: BaseLlm, request_: LlmRequest
) -> None:
    error = await failure_of(llm, request_)
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert not server.received


def test_key_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(AccountError):
        GeminiLlm(MODEL, api_key="key\nwith a line")


async def test_stream_comes_in_pieces_and_ends_in_the_reply(
    server: GeminiServer, llm: BaseLlm
) -> None:
    thought = generated({"text": "Hm.", "thought": True}, finish=None)
    server.script(Answer(pieces=[thought, generated("Par", finish=None), generated("is.")]))
    texts, reply = await streamed(llm)
    assert texts == ["Par", "is."]
    assert (reply.text, reply.finish_reason, reply.usage) == ("Paris.", "stop", Usage(12, 5, 8, 2))
    assert server.received[0].path.endswith(":streamGenerateContent?alt=sse")


BEGINNING = generated("Par", finish=None)
OVERLOADED = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(pieces=[BEGINNING]), OutcomeUnknownError),
        (Answer(pieces=[OVERLOADED]), ProviderUnavailableError),
        (Answer(pieces=[BEGINNING, OVERLOADED]), OutcomeUnknownError),
        (Answer(pieces=[{"error": "overloaded"}]), OutcomeUnknownError),
        (Answer(pieces=[{"error": {"message": "overloaded"}}]), OutcomeUnknownError),
        (Answer(pieces=[BEGINNING], ending=Ending.DROP_IN_BODY), OutcomeUnknownError),
        (Answer(ending=Ending.DROP_BEFORE_ANSWER), OutcomeUnknownError),
        (Answer(pieces=["text"]), OutcomeUnknownError),
        (refusal(429, "RESOURCE_EXHAUSTED"), RateLimitedError),
    ],
)
async def test_stream_that_goes_wrong_is_an_error_and_asked_once(
    server: GeminiServer, llm: BaseLlm, answer: Answer, expected: type[LlmError]
) -> None:
    server.script(answer)
    assert type(await failure_of_stream(llm)) is expected
    assert len(server.received) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_time_limit_is_total_and_hangs_up(
    server: GeminiServer, llm: BaseLlm, stream: bool
) -> None:
    server.script(Answer(pieces=[BEGINNING], ending=Ending.HANG))
    request = LlmRequest(messages=MESSAGES, timeout_seconds=0.3)
    error = await (failure_of_stream(llm, request) if stream else failure_of(llm, request))
    assert (type(error), error.sent) == (CallTimedOutError, True)
    await asyncio.wait_for(server.hung_up.wait(), WAIT_SECONDS)


async def test_closing_a_stream_hangs_up(server: GeminiServer, llm: BaseLlm) -> None:
    server.script(Answer(pieces=[BEGINNING], ending=Ending.HANG))
    stream = llm.stream(REQUEST)
    assert await anext(stream) == TextDelta("Par")
    await stream.aclose()
    await asyncio.wait_for(server.hung_up.wait(), WAIT_SECONDS)


async def test_cancelled_call_hangs_up(server: GeminiServer, llm: BaseLlm) -> None:
    server.script(Answer(delay_seconds=30))
    call = asyncio.create_task(llm.generate(REQUEST))
    await asyncio.wait_for(server.arrived.wait(), WAIT_SECONDS)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(server.hung_up.wait(), WAIT_SECONDS)


async def test_two_hundred_calls_run_side_by_side(server: GeminiServer, llm: BaseLlm) -> None:
    server.default = Answer(delay_seconds=0.5)
    start = time.perf_counter()
    replies = await asyncio.gather(*(llm.generate(REQUEST) for _ in range(200)))
    assert {reply.text for reply in replies} == {"Hello."}
    assert time.perf_counter() - start < 10  # 100 s one by one


async def test_key_is_in_no_error_and_no_log(
    server: GeminiServer, llm: BaseLlm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(refusal(400, "INVALID_ARGUMENT", f"bad: {KEY}", reason="API_KEY_INVALID"))
    error = await failure_of(llm)
    said = [repr(error), str(vars(error)), "".join(traceback.format_exception(error)), repr(llm)]
    assert KEY not in "".join([*said, caplog.text, str(pickle.dumps(error))])


def test_each_event_loop_has_a_connection_of_its_own() -> None:
    async def ask() -> str:
        async with GeminiServer() as server:
            reply = await GeminiLlm(MODEL, api_key=KEY, api_endpoint=server.base_url).generate(
                REQUEST
            )
            await LlmFactory.aclose()
            return reply.text

    for _ in range(2):
        with asyncio.Runner() as runner:
            assert runner.run(ask()) == "Hello."


@pytest.mark.parametrize("model", ["gemini-2.5-pro", MODEL, "gemini-4-argon", "gemini-unheard-of"])
async def test_service_with_the_rules_of_the_real_one_takes_what_is_sent(model: str) -> None:
    history: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Hi!"},
        *MESSAGES,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": ""}}
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "12 degrees"},
    ]
    async with Simulator() as simulator:
        llm = GeminiLlm(model, api_key=KEY, api_endpoint=simulator.gemini_url)
        request = LlmRequest(messages=history, tools=[TOOL], max_tokens=500, temperature=0.1)
        whole = await llm.generate(request)
        _, reply = await streamed(llm, request)
        assert whole.text == reply.text != ""
        assert reply.usage is not None
        await llm.aclose()


def test_older_sdk_stays_out_of_processes_that_have_this_one() -> None:
    code = (
        "import sys; from llmbus.worker.llm_abstractions import LlmFactory;"
        "print(type(LlmFactory.get_provider('google-gemini', api_key='k')).__name__);"
        "print({'grpc', 'google.ai', 'google.generativeai'} & sys.modules.keys())"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert finished.stdout.split() == ["GeminiLlm", "set()"]


@pytest.mark.skipif("GOOGLE_API_KEY" not in os.environ, reason="GOOGLE_API_KEY is not set")
async def test_real_gemini_answers() -> None:
    llm = GeminiLlm(api_key=os.environ["GOOGLE_API_KEY"])
    reply = await llm.generate(LlmRequest(messages=MESSAGES, timeout_seconds=60))
    assert reply.text
    assert reply.usage is not None
    await llm.aclose()
