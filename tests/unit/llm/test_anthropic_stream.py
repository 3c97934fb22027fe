"""What the Messages API answers in pieces, put together."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.anthropic.answers import reply_from_body
from llmbus.worker.llm_abstractions.anthropic.stream import MessageStream
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    AnswerRefusedError,
    ContextTooLongError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)

KEY = "hunter2-has-no-usual-shape"
MODEL = "a-model-without-a-price"
ASKED = Asked(provider="anthropic-claude", model=MODEL, request_id="req-1", api_key=KEY)


def streamed(events: Sequence[Any]) -> tuple[str, LlmReply]:
    reading = MessageStream(ASKED)
    text = "".join(
        reading.take(event if isinstance(event, bytes) else json.dumps(event).encode())
        for event in events
    )
    return text, reading.reply()


def start(**usage: Any) -> dict[str, Any]:
    counts = {"input_tokens": 10, "output_tokens": 1, **usage}
    return {"type": "message_start", "message": {"model": MODEL, "usage": counts}}


def block(index: int, beginning: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": beginning},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(stop_reason: str | None = "end_turn", **delta: Any) -> list[dict[str, Any]]:
    usage = {"output_tokens": 5, "input_tokens": None}
    changes = {"stop_reason": stop_reason, **delta}
    return [
        {"type": "message_delta", "delta": changes, "usage": usage},
        {"type": "message_stop"},
    ]


PARIS = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Paris."})


def test_stream_becomes_the_same_reply() -> None:
    text, reply = streamed([start(), {"type": "ping"}, *PARIS, *end()])
    whole = {
        "model": MODEL,
        "content": [{"type": "text", "text": "Paris."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    assert (text, reply) == ("Paris.", reply_from_body(json.dumps(whole).encode(), ASKED))


def test_blocks_of_a_stream_are_put_together() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    tool: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    text, reply = streamed(
        [
            start(cache_read_input_tokens=7),
            *block(
                0,
                thinking,
                {"type": "thinking_delta", "thinking": "H"},
                {"type": "thinking_delta", "thinking": "m."},
                {"type": "signature_delta", "signature": "sig"},
            ),
            *block(
                1,
                {"type": "text", "text": "Par"},
                {"type": "text_delta", "text": "is."},
                {"type": "citations_delta", "citation": {}},
            ),
            *block(
                2,
                tool,
                {"type": "input_json_delta", "partial_json": '{"city":'},
                {"type": "input_json_delta", "partial_json": '"Oslo"}'},
            ),
            *block(3, {**tool, "id": "toolu_2"}, {"type": "input_json_delta", "partial_json": ""}),
            *end("tool_use"),
        ]
    )
    assert text == reply.text == "Paris."
    assert reply.thinking == ({"type": "thinking", "thinking": "Hm.", "signature": "sig"},)
    assert [call.arguments for call in reply.tool_calls] == ['{"city":"Oslo"}', "{}"]
    assert reply.finish_reason == "tool_calls"
    assert reply.usage == Usage(17, 5, 7)


def test_refusal_at_the_end_of_a_stream_is_an_error() -> None:
    with pytest.raises(AnswerRefusedError, match="bio"):
        streamed([start(), *PARIS, *end("refusal", stop_details={"category": "bio"})])


@pytest.mark.parametrize(
    "events", [[], [start()], [start(), *PARIS], [start(), *PARIS, *end(None)]]
)
def test_stream_without_its_end_may_have_been_billed(events: list[Any]) -> None:
    with pytest.raises(OutcomeUnknownError):
        streamed(events)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"type": 7}', b"\xff", KEY.encode()])
def test_event_that_makes_no_sense_may_have_been_billed(data: bytes) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        streamed([start(), data])
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("api_error", ProviderUnavailableError),
        ("overloaded_error", ProviderUnavailableError),
        ("timeout_error", ProviderUnavailableError),
        ("rate_limit_error", RateLimitedError),
        ("invalid_request_error", RequestRejectedError),
        ("billing_error", AccountError),
        ("request_too_large", ContextTooLongError),
        ("something_new", OutcomeUnknownError),
        (None, OutcomeUnknownError),
    ],
)
def test_error_in_a_stream_is_sorted_by_its_type(kind: str, expected: type[LlmError]) -> None:
    failed = {"type": "error", "error": {"type": kind, "message": f"no: {KEY}"}}
    with pytest.raises(LlmError) as caught:
        streamed([start(), failed])
    error = caught.value
    assert type(error) is expected
    assert (error.status, error.provider_code, error.sent) == (200, kind, True)
    assert KEY not in str(error)


def test_error_in_a_stream_that_had_begun_is_never_worth_another_try() -> None:
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    with pytest.raises(OutcomeUnknownError) as caught:
        streamed([start(), *PARIS, failed])
    assert caught.value.provider_code == "overloaded_error"
    with pytest.raises(OutcomeUnknownError):
        streamed([{"type": "error"}])


def test_cause_in_a_stream_comes_before_its_type() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    error = {"type": "rate_limit_error", "message": "no", "details": details}
    with pytest.raises(AccountError):
        streamed([start(), {"type": "error", "error": error}])


def test_event_of_a_later_version_is_passed_over() -> None:
    late = {"type": "message_delta", "usage": {"output_tokens": 9}}
    _, reply = streamed([start(), *PARIS, {"type": "brand_new", "x": 1}, *end(), late])
    assert reply.usage == Usage(10, 9)
