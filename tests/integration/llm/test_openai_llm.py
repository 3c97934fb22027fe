"""What `OpenAILlm` sends, and what it makes of what comes back, over real sockets."""

import asyncio
import logging
import pickle
import resource
import traceback
from typing import Any

import pytest

from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, LlmReply, LlmRequest
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from tests.integration.llm.conftest import KEY
from tests.support.llm_calls import MESSAGES, REQUEST, failure_of
from tests.support.openai_server import Answer, Ending, OpenAiServer, error_body

NOTHING_LISTENS = "http://127.0.0.1:1/v1"


async def test_request_is_sent_as_the_api_wants_it(
    openai_server: OpenAiServer, llm: BaseLlm
) -> None:
    await llm.generate(
        LlmRequest(
            messages=MESSAGES,
            max_tokens=50,
            temperature=0.2,
            response_format={"type": "json_object"},
            stop=["END"],
            options={"top_p": 0.5},
        )
    )
    (received,) = openai_server.received
    assert received.body == {
        "model": "gpt-4o",
        "messages": MESSAGES,
        "max_completion_tokens": 50,
        "temperature": 0.2,
        "response_format": {"type": "json_object"},
        "stop": ["END"],
        "top_p": 0.5,
    }
    assert received.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "option", ["tools", "stop", "stream", "n", "model", "messages", "max_tokens", "background"]
)
async def test_option_that_would_lose_an_answer_is_refused_unsent(
    openai_server: OpenAiServer, llm: BaseLlm, option: str
) -> None:
    error = await failure_of(llm, LlmRequest(messages=MESSAGES, options={option: 1}))
    assert isinstance(error, RequestRejectedError)
    assert option in str(error)
    assert openai_server.received == []


@pytest.mark.parametrize("content", [object(), "\ud800"])
async def test_message_that_cannot_be_written_is_refused_unsent(
    openai_server: OpenAiServer, llm: BaseLlm, content: Any
) -> None:
    messages = [{"role": "user", "content": content}]
    error = await failure_of(llm, LlmRequest(messages=messages))
    assert (type(error), error.sent) == (RequestRejectedError, False)
    assert openai_server.received == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(ending=Ending.DROP_BEFORE_ANSWER),
        Answer(ending=Ending.DROP_IN_BODY),
        Answer(ending=Ending.NO_HTTP),
        Answer(body=b"<html>Welcome to the airport Wi-Fi</html>"),
        Answer(body=b""),
        Answer(body=b'{"choices": [{"mess'),
        Answer(body={}),
        Answer(headers={"content-encoding": "gzip"}),
    ],
)
async def test_request_without_a_usable_answer_may_have_been_billed(
    openai_server: OpenAiServer, llm: BaseLlm, answer: Answer
) -> None:
    openai_server.script(answer)
    error = await failure_of(llm)
    assert (type(error), error.sent, error.retryable) == (OutcomeUnknownError, True, False)
    assert len(openai_server.received) == 1


@pytest.mark.parametrize("status", [302, 307, 408, 409, 429, 500, 503])
async def test_sdk_never_sends_a_request_twice(
    openai_server: OpenAiServer, llm: BaseLlm, status: int
) -> None:
    headers = {"x-should-retry": "true", "location": openai_server.base_url + "/chat/completions"}
    openai_server.script(Answer(status=status, body=error_body(), headers=headers))
    await failure_of(llm)
    assert len(openai_server.received) == 1


@pytest.mark.parametrize("endpoint", [NOTHING_LISTENS, "http://no-such-host.invalid/v1"])
async def test_address_where_nobody_answers_is_worth_another_try(
    openai_server: OpenAiServer, endpoint: str
) -> None:
    llm = LlmFactory.get_provider("openai-gpt", api_endpoint=endpoint)
    error = await failure_of(llm)
    assert (type(error), error.sent) == (ProviderUnavailableError, False)
    assert openai_server.received == []


@pytest.mark.usefixtures("openai_server")
@pytest.mark.parametrize(
    "endpoint", ["ftp://127.0.0.1/v1", "no address", "http://127.0.0.1:eighty/v1", "http://[::1/v1"]
)
async def test_address_that_is_none_is_not(endpoint: str) -> None:
    error = await failure_of(LlmFactory.get_provider("openai-gpt", api_endpoint=endpoint))
    assert (type(error), error.sent) == (RequestRejectedError, False)


async def test_endpoint_given_comes_before_the_environment(
    openai_server: OpenAiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", NOTHING_LISTENS)
    llm = LlmFactory.get_provider("openai-gpt", api_endpoint=openai_server.base_url)
    assert (await llm.generate(REQUEST)).text == "Hello."


async def test_cancelled_call_hangs_up_and_the_next_one_works(
    openai_server: OpenAiServer, llm: BaseLlm
) -> None:
    openai_server.script(Answer(delay_seconds=30))
    call = asyncio.create_task(llm.generate(REQUEST))
    await openai_server.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(5):
        await openai_server.hung_up.wait()
    assert (await llm.generate(REQUEST)).text == "Hello."


async def test_three_hundred_calls_run_side_by_side(openai_server: OpenAiServer) -> None:
    _allow_open_files(2_000)
    openai_server.default = Answer(delay_seconds=1.0)
    models = [LlmFactory.get_provider("openai-gpt", f"gpt-4o-{n % 3}") for n in range(300)]
    replies = await asyncio.gather(*(llm.generate(REQUEST) for llm in models))
    assert {type(reply) for reply in replies} == {LlmReply}
    assert len(openai_server.received) == 300
    assert openai_server.most_in_flight > 200


async def test_key_shows_up_nowhere(
    openai_server: OpenAiServer, llm: BaseLlm, caplog: pytest.LogCaptureFixture
) -> None:
    openai_server.script(
        Answer(status=401, body=error_body("invalid_api_key", f"Incorrect API key: {KEY}.")),
        Answer(ending=Ending.DROP_BEFORE_ANSWER),
        Answer(body=f"<p>{KEY}</p>".encode()),
    )
    with caplog.at_level(logging.DEBUG):
        errors = [await failure_of(llm) for _ in range(3)]
    assert isinstance(errors[0], AccountError)
    for error in errors:
        shown = "".join(traceback.format_exception(error))
        assert KEY not in f"{shown} {error!r} {vars(error)} {error.to_failure()}"
        assert KEY.encode() not in pickle.dumps(error)
    assert KEY not in repr(llm)
    assert KEY not in caplog.text


def _allow_open_files(wanted: int) -> None:
    """Both ends of every connection are in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
