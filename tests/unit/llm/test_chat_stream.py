"""Streamed chat completions, piece by piece."""

import json
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import (
    AnswerRefusedError,
    ContextTooLongError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
)
from llmbus.worker.llm_abstractions.openai_llm.chat_stream import ChatStream

ASKED = Asked(provider="custom", model="a-model", request_id=None)


def piece(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "c", "model": "a-model-7b", "choices": [choice], "usage": None}


USAGE: dict[str, Any] = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5}}
STOP = piece({}, "stop")


def streamed(*events: Any) -> tuple[str, LlmReply]:
    stream = ChatStream(ASKED)
    texts = [
        stream.take(event if isinstance(event, bytes) else json.dumps(event).encode())
        for event in events
    ]
    return "".join(texts), stream.reply()


def test_pieces_become_a_reply() -> None:
    text, reply = streamed(
        piece({"role": "assistant", "content": ""}),
        piece({"content": "Par"}),
        piece({"content": "is."}),
        STOP,
        USAGE,
        b"[DONE]",
    )
    assert text == "Paris."
    assert reply == LlmReply(
        text="Paris.",
        finish_reason="stop",
        usage=Usage(12, 5),
        model="a-model-7b",
        provider="custom",
        endpoint="chat",
    )


def test_calls_are_put_together_by_their_number() -> None:
    _, reply = streamed(
        piece({"tool_calls": [{"index": 0, "id": "c0", "function": {"name": "look"}}]}),
        piece({"tool_calls": [{"index": 1, "id": "c1", "function": {"name": "go"}}]}),
        piece({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
        piece({"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}),
        piece({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}),
        piece({}, "tool_calls"),
    )
    assert reply.tool_calls == (
        ToolCall(id="c0", name="look", arguments='{"a": 1}'),
        ToolCall(id="c1", name="go", arguments="{}"),
    )
    assert (reply.text, reply.finish_reason, reply.usage) == ("", "tool_calls", None)


def test_calls_without_numbers_come_one_by_one() -> None:
    call = {"function": {"name": "look", "arguments": "{}"}}
    _, reply = streamed(piece({"tool_calls": [call]}), piece({"tool_calls": [call]}), STOP)
    assert [call.id for call in reply.tool_calls] == ["call_0", "call_1"]
    assert reply.finish_reason == "tool_calls"


def test_refusal_in_pieces_is_a_refusal() -> None:
    with pytest.raises(AnswerRefusedError, match="I cannot"):
        streamed(piece({"refusal": "I "}), piece({"refusal": "cannot."}), STOP, USAGE)


def test_filter_in_the_middle_is_a_refusal() -> None:
    with pytest.raises(AnswerRefusedError) as caught:
        streamed(piece({"content": "Half"}), piece({}, "content_filter"), USAGE)
    assert caught.value.usage == Usage(12, 5)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "server_error", "message": "m"}, ProviderUnavailableError),
        ({"code": 503, "message": "m"}, ProviderUnavailableError),
        ({"code": "rate_limit_exceeded", "type": "requests"}, RateLimitedError),
        ({"code": 429, "message": "m"}, RateLimitedError),
        ({"code": "context_length_exceeded"}, ContextTooLongError),
        ("something broke", OutcomeUnknownError),
    ],
)
def test_error_chunk_is_what_it_says(error: Any, expected: type[LlmError]) -> None:
    with pytest.raises(LlmError) as caught:
        streamed({"error": error})
    assert type(caught.value) is expected


def test_error_chunk_after_text_may_have_been_billed() -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        streamed(piece({"content": "Par"}), {"error": {"code": 503, "message": "m"}})
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "events",
    [
        [],
        [piece({"content": "Par"})],
        [piece({"content": "Par"}), USAGE, b"[DONE]"],
        [b"<html>"],
        [piece({"content": 7})],
        [STOP],
    ],
)
def test_stream_without_its_end_may_have_been_billed(events: list[Any]) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        streamed(*events)
    assert caught.value.sent
