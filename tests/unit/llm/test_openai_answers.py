"""What the API answers, as replies and errors of ours."""

import json
from typing import Any

import pytest

from llmbus.shared import Usage
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
from llmbus.worker.llm_abstractions.openai_llm.chat_answers import reply_from_body
from llmbus.worker.llm_abstractions.openai_llm.errors import error_type_of_answer
from tests.support.openai_server import completion

ASKED = Asked(provider="openai-gpt", model="gpt-4o", request_id="req-1")


def reply_to(body: Any) -> LlmReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reply_from_body(raw, ASKED)


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (400, None, RequestRejectedError),
        (401, "invalid_api_key", AccountError),
        (402, None, AccountError),
        (403, None, AccountError),
        (404, "model_not_found", RequestRejectedError),
        (408, None, ProviderUnavailableError),
        (409, None, ProviderUnavailableError),
        (413, None, ContextTooLongError),
        (422, None, RequestRejectedError),
        (429, "rate_limit_exceeded", RateLimitedError),
        (429, "insufficient_quota", AccountError),
        (400, "context_length_exceeded", ContextTooLongError),
        (400, "content_filter", AnswerRefusedError),
        (500, None, ProviderUnavailableError),
        (503, None, ProviderUnavailableError),
        (529, None, ProviderUnavailableError),
        (302, None, RequestRejectedError),
    ],
)
def test_status_and_code_say_what_to_do(
    status: int, word: str | None, expected: type[LlmError]
) -> None:
    assert error_type_of_answer(status, word) is expected


def test_quota_is_recognised_by_the_type_when_there_is_no_code() -> None:
    assert error_type_of_answer(429, None, "insufficient_quota") is AccountError


def test_completion_becomes_a_reply() -> None:
    assert reply_to(completion("Paris.")) == LlmReply(
        text="Paris.",
        finish_reason="stop",
        usage=Usage(input_tokens=12, output_tokens=5, cached_tokens=8, reasoning_tokens=2),
        model="gpt-4o-2024-11-20",
        provider="openai-gpt",
        request_id="req-1",
        endpoint="chat",
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("many", None),
        ({"prompt_tokens": "12"}, None),
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2)),
        (
            {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "prompt_tokens_details": None,
                "completion_tokens_details": {"reasoning_tokens": None},
            },
            Usage(1, 2),
        ),
    ],
)
def test_odd_usage_never_costs_the_answer(usage: object, expected: Usage | None) -> None:
    reply = reply_to(completion("Paris.", usage=usage))
    assert (reply.text, reply.usage) == ("Paris.", expected)


def test_reply_without_model_names_the_one_that_was_asked() -> None:
    assert reply_to(completion(model=None)).model == "gpt-4o"


@pytest.mark.parametrize("text", ["Half a sen", "", None])
def test_cut_answer_is_a_reply_that_says_so(text: str | None) -> None:
    reply = reply_to(completion(text, finish_reason="length"))
    assert (reply.text, reply.finish_reason) == (text or "", "length")


@pytest.mark.parametrize(
    "body",
    [
        completion("Half", finish_reason="content_filter"),
        completion(message={"content": None, "refusal": "I cannot help with that."}),
    ],
)
def test_refused_answer_is_an_error_that_knows_its_price(body: dict[str, Any]) -> None:
    with pytest.raises(AnswerRefusedError) as caught:
        reply_to(body)
    assert caught.value.usage == Usage(12, 5, 8, 2)
    assert caught.value.sent


NO_COMPLETIONS: list[Any] = [
    b"",
    b"{",
    b"<html>hello</html>",
    b'"text"',
    b"\xff\xfe",
    {},
    {"choices": None},
    {"choices": []},
    {"choices": [{}]},
    {"choices": [{"message": {"content": 7}}]},
    {"error": {"message": "upstream"}},
    completion(None),
]


@pytest.mark.parametrize("body", NO_COMPLETIONS)
def test_answer_without_a_completion_may_have_been_billed(body: Any) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        reply_to(body)
    assert (caught.value.sent, caught.value.retryable) == (True, False)
    assert caught.value.request_id == "req-1"


@pytest.mark.parametrize("key", ["hunter2-has-no-usual-shape", ""])
def test_what_is_no_answer_is_told_without_the_key(key: str) -> None:
    page = f"<p>no key {key} here</p>".encode()
    asked = Asked(provider="custom", model="a-model", request_id=None, api_key=key)
    with pytest.raises(OutcomeUnknownError) as caught:
        reply_from_body(page, asked)
    shown = f"<p>no key {'<key>' if key else ''} here</p>"
    assert shown in str(caught.value)
    assert "hunter2" not in repr(asked) + str(caught.value)
