"""`GeminiLegacyLlm`: the real older SDK over real gRPC."""

# The SDK's lower layers say nothing about their types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

import asyncio
import os
import pickle
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
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
    ContextTooLongError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.legacy_llm import GeminiLegacyLlm
from tests.support.gemini_grpc import (
    GeminiGrpcServer,
    GrpcAnswer,
    GrpcRefusal,
    SelfSigned,
    grpc_generated,
)
from tests.support.llm_calls import MESSAGES, REQUEST, failure_of

KEY = "hunter2-has-no-usual-shape"
MODEL = "gemini-3.8-flash"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
WAIT_SECONDS = 5.0
Code = grpc.StatusCode


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GeminiGrpcServer]:
    """A Gemini API that `GOOGLE_GEMINI_BASE_URL` points to."""
    async with GeminiGrpcServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.address)
        yield server
        await LlmFactory.aclose()


@pytest.fixture
def llm(server: GeminiGrpcServer) -> BaseLlm:
    return GeminiLegacyLlm(MODEL, api_key=KEY)


async def streamed(llm: BaseLlm, request: LlmRequest = REQUEST) -> list[TextDelta | LlmReply]:
    return [item async for item in llm.stream(request)]


async def test_request_is_sent_as_the_service_wants_it(
    server: GeminiGrpcServer, llm: BaseLlm
) -> None:
    await llm.generate(
        LlmRequest(
            messages=[{"role": "system", "content": "Be brief."}, *MESSAGES],
            max_tokens=50,
            temperature=0.5,
            stop=["END"],
            tools=[TOOL],
            tool_choice="required",
            response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            options={"top_k": 3},
        )
    )
    (received,) = server.received
    assert received.method == "GenerateContent"
    assert received.metadata["x-goog-api-key"] == KEY
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    assert received.body == {
        "model": f"models/{MODEL}",
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hello?"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather", "parameters": schema}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {
            "maxOutputTokens": 50,
            "temperature": 0.5,
            "stopSequences": ["END"],
            "topK": 3,
            "responseMimeType": "application/json",
            "responseSchema": schema,
        },
    }


async def test_reply_says_what_came_from_whom_at_what_price(
    server: GeminiGrpcServer, llm: BaseLlm
) -> None:
    reply = await llm.generate(REQUEST)
    assert (reply.text, reply.finish_reason, reply.request_id) == ("Hello.", "stop", None)
    assert (reply.model, reply.provider) == ("gemini-a-model-001", "google-gemini")
    assert reply.usage == Usage(12, 5, 8, 2)


async def test_calls_go_there_and_back(server: GeminiGrpcServer, llm: BaseLlm) -> None:
    call = {"functionCall": {"name": "weather", "args": {"city": "Rome"}, "id": "c1"}}
    content = {"role": "model", "parts": [call]}
    candidates = [{"content": content, "finishReason": "STOP"}]
    server.script(GrpcAnswer(pieces=(grpc_generated(candidates=candidates),)))
    reply = await llm.generate(REQUEST)
    assert reply.finish_reason == "tool_calls"
    result = {"role": "tool", "tool_call_id": "c1", "content": "12 degrees"}
    history = [*MESSAGES, reply.as_message(), result]
    await llm.generate(LlmRequest(messages=history, tools=[TOOL]))
    assert server.received[-1].body["contents"][1:] == [
        content,
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "c1",
                        "name": "weather",
                        "response": {"result": "12 degrees"},
                    }
                }
            ],
        },
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GrpcRefusal(Code.RESOURCE_EXHAUSTED, retry_after_seconds=7), RateLimitedError),
        (GrpcRefusal(Code.RESOURCE_EXHAUSTED, quota="RequestsPerDay"), AccountError),
        (GrpcRefusal(Code.INVALID_ARGUMENT, reason="API_KEY_INVALID"), AccountError),
        (GrpcRefusal(Code.INVALID_ARGUMENT), RequestRejectedError),
        (
            GrpcRefusal(Code.INVALID_ARGUMENT, "The input token count (9) exceeds 8."),
            ContextTooLongError,
        ),
        (GrpcRefusal(Code.PERMISSION_DENIED), AccountError),
        (GrpcRefusal(Code.UNAVAILABLE, "The model is overloaded."), ProviderUnavailableError),
        (GrpcRefusal(Code.INTERNAL), ProviderUnavailableError),
        (GrpcRefusal(Code.UNKNOWN), OutcomeUnknownError),
        (GrpcAnswer(raw=b"\xff\xff"), OutcomeUnknownError),
        (GrpcAnswer(pieces=({},)), OutcomeUnknownError),
        (GrpcAnswer(pieces=({"promptFeedback": {"blockReason": "SAFETY"}},)), AnswerRefusedError),
        (GrpcAnswer(pieces=(), then_stop=True), OutcomeUnknownError),
    ],
)
async def test_whatever_goes_wrong_is_ours_and_asked_once(
    server: GeminiGrpcServer,
    llm: BaseLlm,
    answer: GrpcAnswer | GrpcRefusal,
    expected: type[LlmError],
) -> None:
    server.script(answer)
    error = await failure_of(llm)
    assert type(error) is expected
    assert error.sent
    assert len(server.received) == 1
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


async def test_how_long_to_wait_is_handed_up(server: GeminiGrpcServer, llm: BaseLlm) -> None:
    server.script(GrpcRefusal(Code.RESOURCE_EXHAUSTED, retry_after_seconds=7))
    assert (await failure_of(llm)).retry_after_seconds == 7.0


async def test_key_is_in_no_error(server: GeminiGrpcServer, llm: BaseLlm) -> None:
    server.script(GrpcRefusal(Code.INVALID_ARGUMENT, f"bad: {KEY}", reason="API_KEY_INVALID"))
    error = await failure_of(llm)
    assert KEY not in repr(error) + str(vars(error)) + str(pickle.dumps(error))


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "127.0.0.1:1", "nowhere.invalid:443"])
async def test_nothing_is_sent_where_nobody_listens(address: str) -> None:
    llm = GeminiLegacyLlm(MODEL, api_key=KEY, api_endpoint=address)
    start = time.perf_counter()
    error = await failure_of(llm)
    assert (type(error), error.sent) == (ProviderUnavailableError, False)
    assert time.perf_counter() - start < WAIT_SECONDS  # left to itself, the SDK tries for 600 s
    await LlmFactory.aclose()


async def test_what_the_older_messages_cannot_hold_is_rejected_unsent(
    server: GeminiGrpcServer, llm: BaseLlm
) -> None:
    error = await failure_of(llm, LlmRequest(messages=MESSAGES, options={"thinking_config": {}}))
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert not server.received


def piece(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}


async def test_stream_comes_in_pieces_and_ends_in_the_reply(
    server: GeminiGrpcServer, llm: BaseLlm
) -> None:
    server.script(GrpcAnswer(pieces=(piece("Par"), grpc_generated("is."))))
    *deltas, reply = await streamed(llm)
    assert deltas == [TextDelta("Par"), TextDelta("is.")]
    assert isinstance(reply, LlmReply)
    assert (reply.text, reply.finish_reason, reply.usage) == ("Paris.", "stop", Usage(12, 5, 8, 2))
    assert server.received[0].method == "StreamGenerateContent"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GrpcAnswer(pieces=(piece("Par"),)), OutcomeUnknownError),
        (GrpcAnswer(pieces=(piece("Par"),), then_stop=True), OutcomeUnknownError),
        (GrpcAnswer(pieces=()), OutcomeUnknownError),
        (GrpcRefusal(Code.UNAVAILABLE), ProviderUnavailableError),
        (GrpcRefusal(Code.RESOURCE_EXHAUSTED, retry_after_seconds=7), RateLimitedError),
    ],
)
async def test_stream_that_goes_wrong_is_an_error_and_asked_once(
    server: GeminiGrpcServer,
    llm: BaseLlm,
    answer: GrpcAnswer | GrpcRefusal,
    expected: type[LlmError],
) -> None:
    server.script(answer)
    with pytest.raises(LlmError) as caught:
        await streamed(llm)
    assert type(caught.value) is expected
    assert len(server.received) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_time_limit_is_total_and_hangs_up(
    server: GeminiGrpcServer, llm: BaseLlm, stream: bool
) -> None:
    server.script(GrpcAnswer(delay_seconds=30))
    request = LlmRequest(messages=MESSAGES, timeout_seconds=0.3)
    with pytest.raises(CallTimedOutError) as caught:
        await (streamed(llm, request) if stream else llm.generate(request))
    assert caught.value.sent
    await asyncio.wait_for(server.hung_up.wait(), WAIT_SECONDS)


async def test_closing_a_stream_hangs_up(server: GeminiGrpcServer, llm: BaseLlm) -> None:
    server.script(GrpcAnswer(pieces=(piece("Par"),), then_wait=True))
    stream = llm.stream(REQUEST)
    assert await anext(stream) == TextDelta("Par")
    await stream.aclose()
    await asyncio.wait_for(server.hung_up.wait(), WAIT_SECONDS)


async def test_two_hundred_calls_run_side_by_side(server: GeminiGrpcServer, llm: BaseLlm) -> None:
    server.default = GrpcAnswer(delay_seconds=0.5)
    start = time.perf_counter()
    replies = await asyncio.gather(*(llm.generate(REQUEST) for _ in range(200)))
    assert {reply.text for reply in replies} == {"Hello."}
    assert time.perf_counter() - start < 10  # 100 s one by one


def test_each_event_loop_has_a_connection_of_its_own() -> None:
    async def ask() -> str:
        async with GeminiGrpcServer() as server:
            llm = GeminiLegacyLlm(MODEL, api_key=KEY, api_endpoint=server.address)
            reply = await llm.generate(REQUEST)
            await LlmFactory.aclose()
            return reply.text

    for _ in range(2):
        with asyncio.Runner() as runner:
            assert runner.run(ask()) == "Hello."


def test_key_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(AccountError):
        GeminiLegacyLlm(MODEL, api_key="schlüssel")


ASK_BY_TLS = """
import asyncio, sys
sys.modules["aiohttp"] = sys.modules["google.genai"] = None  # as if they were not installed
from llmbus.worker.llm_abstractions import LlmFactory, LlmRequest
from llmbus.worker.llm_abstractions.gemini.legacy_llm import GeminiLegacyLlm

async def main():
    llm = GeminiLegacyLlm("gemini-3.8-flash", api_key="a-key", api_endpoint=sys.argv[1])
    reply = await llm.generate(LlmRequest(messages=[{"role": "user", "content": "Hello?"}]))
    await LlmFactory.aclose()
    print(reply.text)
    assert "google.generativeai" not in sys.modules

asyncio.run(main())
"""


async def test_connection_is_by_tls_unless_said_otherwise(tmp_path: Path) -> None:
    """In a process of its own, because gRPC reads once whom it may trust; with nothing but the
    older SDK, and where warnings are errors, because that one's upper layer warns at its import."""
    identity = SelfSigned()
    (tmp_path / "certificate.pem").write_bytes(identity.certificate)
    trust = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(tmp_path / "certificate.pem")}
    async with GeminiGrpcServer(tls=identity) as server:
        finished = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "error", "-c", ASK_BY_TLS, server.address],
            env={**os.environ, **trust},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (finished.returncode, finished.stdout.strip()) == (0, "Hello."), finished.stderr
        assert server.received[0].metadata["x-goog-api-key"] == "a-key"
