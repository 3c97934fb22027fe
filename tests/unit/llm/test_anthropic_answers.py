"""What the Messages API answers, as replies and errors of ours."""

import json
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.anthropic.answers import read_usage, reply_from_body
from llmbus.worker.llm_abstractions.anthropic.errors import error_type_of_answer
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
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
COUNTS = {"input_tokens": 10, "output_tokens": 5}
TEXT = {"type": "text", "text": "Paris."}
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}


def message(*content: dict[str, Any], stop_reason: str | None = "end_turn", **fields: Any) -> Any:
    whole = {"type": "message", "model": MODEL, "content": list(content), "usage": COUNTS}
    return whole | {"stop_reason": stop_reason} | fields


def reply_to(body: Any) -> LlmReply:
    return reply_from_body(body if isinstance(body, bytes) else json.dumps(body).encode(), ASKED)


def test_message_becomes_a_reply() -> None:
    assert reply_to(message(TEXT)) == LlmReply(
        text="Paris.",
        finish_reason="stop",
        usage=Usage(input_tokens=10, output_tokens=5),
        model=MODEL,
        provider="anthropic-claude",
        request_id="req-1",
        endpoint="messages",
    )


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("something_new", "something_new"),
        (None, "unknown"),
    ],
)
def test_stop_reason_is_told_in_our_words(stop_reason: str | None, expected: str) -> None:
    assert reply_to(message(TEXT, stop_reason=stop_reason)).finish_reason == expected


def test_texts_are_joined_and_thinking_is_kept_apart() -> None:
    redacted = {"type": "redacted_thinking", "data": "x"}
    reply = reply_to(message(THINKING, redacted, TEXT, {"type": "citation"}, TEXT, TOOL))
    assert reply.text == "Paris.Paris."
    assert reply.thinking == (THINKING, redacted)
    assert reply.tool_calls == (
        ToolCall(id="toolu_1", name="weather", arguments='{"city":"Oslo"}'),
    )


@pytest.mark.parametrize("stop_reason", ["max_tokens", "end_turn"])
def test_answer_of_thinking_alone_is_a_reply_without_text(stop_reason: str) -> None:
    assert reply_to(message(THINKING, stop_reason=stop_reason)).text == ""


def test_reply_without_model_names_the_one_that_was_asked() -> None:
    assert reply_to(message(TEXT, model=None)).model == MODEL


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, Usage(10, 5)),
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 1_000,
                "output_tokens_details": {"thinking_tokens": 3},
            },
            Usage(1_110, 5, 100, 3),
        ),
        ({"input_tokens": 1, "output_tokens": 2, "output_tokens_details": None}, Usage(1, 2)),
        ({"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": None}, Usage(1, 2)),
        ({"input_tokens": "10"}, None),
        (None, None),
    ],
)
def test_usage_counts_the_cache_as_input(counts: Any, expected: Usage | None) -> None:
    reply = reply_to(message(TEXT, usage=counts))
    assert (reply.text, reply.usage) == ("Paris.", expected)


def test_what_the_cache_costs_is_counted() -> None:
    def cost(**counts: int) -> float:
        raw = json.dumps({"input_tokens": 0, "output_tokens": 1, **counts}).encode()
        usage = read_usage(raw, "anthropic-claude", "claude-sonnet-4-5")
        assert usage is not None
        assert usage.cost_usd is not None
        return usage.cost_usd

    pytest.importorskip("genai_prices")
    read, fresh, written = (
        cost(**{name: 100_000})
        for name in ("cache_read_input_tokens", "input_tokens", "cache_creation_input_tokens")
    )
    assert 0 < read < fresh < written


@pytest.mark.parametrize("category", ["cyber", None])
def test_refusal_is_an_error_that_knows_its_price(category: str | None) -> None:
    details = {"type": "refusal", "category": category, "explanation": "Too risky."}
    bodies = [
        message(stop_reason="refusal", stop_details=details),
        message(TEXT, stop_reason="refusal", stop_details=None),
    ]
    errors: list[AnswerRefusedError] = []
    for body in bodies:
        with pytest.raises(AnswerRefusedError) as caught:
            reply_to(body)
        assert (caught.value.sent, caught.value.usage) == (True, Usage(10, 5))
        errors.append(caught.value)
    assert "Too risky." in str(errors[0])
    assert errors[0].provider_code == (category or "refusal")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>hello</html>",
        b'"text"',
        b"\xff\xfe",
        f"<p>{KEY}</p>".encode(),
        {},
        {"content": None},
        {"content": "text"},
        {"content": [7]},
        {"type": "error", "error": {"message": "upstream"}},
        message(stop_reason=None),
    ],
)
def test_answer_without_a_message_may_have_been_billed(body: Any) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        reply_to(body)
    assert (caught.value.sent, caught.value.retryable) == (True, False)
    assert caught.value.request_id == "req-1"
    assert KEY not in str(caught.value)


def test_key_is_not_in_the_repr_of_who_was_asked() -> None:
    assert KEY not in repr(ASKED)


@pytest.mark.parametrize(
    ("status", "code", "text", "expected"),
    [
        (400, None, "max_tokens: Field required", RequestRejectedError),
        (400, None, "Your credit balance is too low to access the API", AccountError),
        (400, None, "prompt is too long: 1000001 tokens > 1000000 maximum", ContextTooLongError),
        (400, None, "input length and `max_tokens` exceed context limit", ContextTooLongError),
        (400, None, "Output blocked by content filtering policy", AnswerRefusedError),
        (400, "organization_on_hold", "no", AccountError),
        (401, None, "invalid x-api-key", AccountError),
        (402, None, "no", AccountError),
        (403, "sandbox_egress_restricted", "no", AccountError),
        (404, None, "model: no-such-model", RequestRejectedError),
        (408, None, "no", ProviderUnavailableError),
        (409, None, "no", ProviderUnavailableError),
        (413, None, "no", ContextTooLongError),
        (429, None, "no", RateLimitedError),
        (429, "ramp_limit_exceeded", "no", RateLimitedError),
        (429, "enforced_spend_limit_reached", "no", AccountError),
        (429, "contract_spend_limit_reached", "no", AccountError),
        (499, None, "no", OutcomeUnknownError),
        (500, None, "no", ProviderUnavailableError),
        (504, None, "no", ProviderUnavailableError),
        (529, None, "no", ProviderUnavailableError),
        (302, None, "no", RequestRejectedError),
    ],
)
def test_status_and_cause_say_what_to_do(
    status: int, code: str | None, text: str, expected: type[LlmError]
) -> None:
    assert error_type_of_answer(status, code, text) is expected
