"""One behaviour for every provider that talks to a server: tools, streams, and answers that are
none."""

import asyncio
import logging
import pickle
import resource
import time
import traceback
from typing import Any

import pytest

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions import LlmError, LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.errors import (
    CallTimedOutError,
    OutcomeUnknownError,
    ProviderUnavailableError,
)
from llmbus.worker.provider_simulator import Body, Connection, Stream
from tests.contracts.llm.subjects import KEY, RemoteSubject
from tests.contracts.llm.test_providers import CONVERSATION, MESSAGES, WEATHER

REQUEST = LlmRequest(messages=MESSAGES)


async def read_stream(remote: RemoteSubject, request: LlmRequest = REQUEST) -> tuple[str, LlmReply]:
    """What was streamed, and the reply at its end."""
    *pieces, last = [item async for item in remote.llm.stream(request)]
    assert isinstance(last, LlmReply)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)), last


async def failure_of(remote: RemoteSubject, request: LlmRequest = REQUEST) -> LlmError:
    with pytest.raises(LlmError) as caught:
        await remote.llm.generate(request)
    return caught.value


async def test_stream_yields_the_text_and_ends_in_the_reply(remote: RemoteSubject) -> None:
    remote.will_answer("Paris is the capital of France.")
    whole = await remote.llm.generate(REQUEST)
    text, reply = await read_stream(remote)
    assert text == reply.text == whole.text == "Paris is the capital of France."
    assert (reply.finish_reason, reply.model, reply.provider, reply.endpoint) == (
        whole.finish_reason,
        whole.model,
        whole.provider,
        whole.endpoint,
    )
    assert reply.usage == whole.usage


async def test_tool_call_and_its_result_go_round(remote: RemoteSubject) -> None:
    remote.will_call("weather", {"city": "Paris"})
    request = LlmRequest(messages=MESSAGES, tools=[WEATHER], tool_choice="auto")
    reply = await remote.llm.generate(request)
    (call,) = reply.tool_calls
    assert (call.name, call.id != "", reply.finish_reason) == ("weather", True, "tool_calls")
    assert "Paris" in call.arguments
    remote.will_answer("Take an umbrella.")
    result = {"role": "tool", "tool_call_id": call.id, "content": "Heavy rain."}
    messages = [*MESSAGES, reply.as_message(), result]
    after = await remote.llm.generate(LlmRequest(messages=messages, tools=[WEATHER]))
    assert after.text == "Take an umbrella."
    assert "Heavy rain." in remote.last_question()


async def test_tool_call_in_a_stream_is_in_its_reply(remote: RemoteSubject) -> None:
    remote.will_call("weather", {"city": "Paris"})
    _, reply = await read_stream(remote, LlmRequest(messages=MESSAGES, tools=[WEATHER]))
    (call,) = reply.tool_calls
    assert (call.name, reply.finish_reason) == ("weather", "tool_calls")


async def test_history_of_another_provider_is_understood(remote: RemoteSubject) -> None:
    remote.will_answer("Sun.")
    request = LlmRequest(messages=CONVERSATION, tools=[WEATHER])
    assert (await remote.llm.generate(request)).text == "Sun."
    assert "Rain." in remote.last_question()
    assert "And tomorrow?" in remote.last_question()


async def test_cut_answer_says_so(remote: RemoteSubject) -> None:
    remote.will_be_cut()
    reply = await remote.llm.generate(REQUEST)
    assert (reply.text, reply.finish_reason) == ("Half a sen", "length")


NONSENSE: list[Body | Connection] = [*Body, Connection.CLOSED, Connection.RESET]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_answer_that_is_none_may_have_been_billed(
    remote: RemoteSubject, nonsense: Body | Connection
) -> None:
    remote.will_answer_nonsense(nonsense)
    error = await failure_of(remote)
    assert (type(error), error.sent, error.retryable) == (OutcomeUnknownError, True, False)
    assert remote.calls == 1


@pytest.mark.parametrize("how", [Stream.ENDS_EARLY, Stream.CUT])
async def test_stream_that_stops_may_have_been_billed(remote: RemoteSubject, how: Stream) -> None:
    remote.will_break_in_stream(how)
    with pytest.raises(OutcomeUnknownError) as caught:
        await read_stream(remote)
    assert caught.value.sent
    assert remote.calls == 1


async def test_error_in_a_stream_is_typed(remote: RemoteSubject) -> None:
    remote.will_break_in_stream(Stream.ERROR)
    with pytest.raises((OutcomeUnknownError, ProviderUnavailableError)) as caught:
        await read_stream(remote)
    assert caught.value.sent
    assert remote.calls == 1


@pytest.mark.parametrize("how", [Stream.HANGS, Stream.DRIPS])
async def test_time_limit_holds_for_a_whole_stream(remote: RemoteSubject, how: Stream) -> None:
    remote.will_break_in_stream(how)
    start = time.perf_counter()
    with pytest.raises(CallTimedOutError):
        await read_stream(remote, LlmRequest(messages=MESSAGES, timeout_seconds=0.5))
    assert time.perf_counter() - start < 5


async def test_stream_can_be_left(remote: RemoteSubject) -> None:
    remote.will_answer("one two three four five six")
    stream = remote.llm.stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert (await remote.llm.generate(REQUEST)).text == "one two three four five six"


async def test_failure_before_a_stream_is_the_same_as_without(remote: RemoteSubject) -> None:
    remote.will_fail(FailureKind.RATE_LIMITED, retry_after_seconds=7.0)
    with pytest.raises(LlmError) as caught:
        await read_stream(remote)
    assert caught.value.kind is FailureKind.RATE_LIMITED
    assert caught.value.retry_after_seconds == 7.0


async def test_three_hundred_calls_run_side_by_side(remote: RemoteSubject) -> None:
    _allow_open_files(2_000)
    remote.will_answer("Paris.", after_seconds=1.0)
    start = time.perf_counter()
    replies = await asyncio.gather(*(remote.llm.generate(REQUEST) for _ in range(300)))
    assert {reply.text for reply in replies} == {"Paris."}
    assert remote.calls == 300
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize("kind", [FailureKind.ACCOUNT, FailureKind.OUTCOME_UNKNOWN])
async def test_key_shows_up_nowhere(
    remote: RemoteSubject, kind: FailureKind, caplog: pytest.LogCaptureFixture
) -> None:
    remote.will_fail(kind)
    with caplog.at_level(logging.DEBUG):
        error = await failure_of(remote)
    shown = "".join(traceback.format_exception(error))
    for text in (shown, repr(error), str(vars(error)), repr(remote.llm), caplog.text):
        assert KEY not in text
    assert KEY.encode() not in pickle.dumps(error)


@pytest.mark.parametrize(
    "broken",
    [
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "no image"}}]}],
        [
            {"role": "user", "content": "Look."},
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c1", "function": {"name": "look", "arguments": "{broken"}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        ],
    ],
    ids=["empty", "no-image", "broken-arguments"],
)
async def test_request_that_cannot_be_right_is_refused_unsent(
    remote: RemoteSubject, broken: list[dict[str, Any]]
) -> None:
    error = await failure_of(remote, LlmRequest(messages=broken))
    assert (error.kind, error.sent) == (FailureKind.REJECTED, False)
    assert remote.calls == 0


def _allow_open_files(wanted: int) -> None:
    """Both ends of every connection are in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
