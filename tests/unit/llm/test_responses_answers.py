"""What the Responses API answers, as replies and errors of ours."""

import json
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import (
    AnswerRefusedError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.openai_llm.responses_answers import reply_from_response
from llmbus.worker.llm_abstractions.openai_llm.responses_stream import ResponsesStream

ASKED = Asked(provider="openai-gpt", model="gpt-6-luna", request_id="req-1")
REASONING: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "encrypted_content": "secret",
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": "{}"}
USAGE = {
    "input_tokens": 12,
    "output_tokens": 5,
    "total_tokens": 17,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens_details": {"reasoning_tokens": 2},
}


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(parts)}


def text(value: str) -> dict[str, Any]:
    return {"type": "output_text", "text": value, "annotations": []}


def response(*output: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "status": "completed",
        "model": "gpt-6-luna-2026",
        "output": list(output),
        "usage": USAGE,
        "error": None,
        "incomplete_details": None,
    } | changes


def reply_to(body: Any) -> LlmReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reply_from_response(raw, ASKED)


def failure_of(body: Any) -> LlmError:
    with pytest.raises(LlmError) as caught:
        reply_to(body)
    return caught.value


def test_response_becomes_a_reply() -> None:
    body = response(REASONING, message(text("Paris"), text(".")))
    assert reply_to(body) == LlmReply(
        text="Paris.",
        finish_reason="stop",
        usage=Usage(input_tokens=12, output_tokens=5, cached_tokens=8, reasoning_tokens=2),
        model="gpt-6-luna-2026",
        provider="openai-gpt",
        request_id="req-1",
        endpoint="responses",
    )


def test_calls_come_with_the_thinking_behind_them() -> None:
    reply = reply_to(response({**REASONING, "status": None}, CALL))
    assert reply.tool_calls == (ToolCall(id="c1", name="look", arguments="{}"),)
    assert (reply.text, reply.finish_reason, reply.thinking) == ("", "tool_calls", (REASONING,))


@pytest.mark.parametrize("output", [[message(text("Half"))], [], [REASONING]])
def test_cut_answer_is_a_reply_that_says_so(output: list[dict[str, Any]]) -> None:
    details = {"reason": "max_output_tokens"}
    reply = reply_to(response(*output, status="incomplete", incomplete_details=details))
    assert reply.finish_reason == "length"


@pytest.mark.parametrize(
    "body",
    [
        response(status="incomplete", incomplete_details={"reason": "content_filter"}),
        response(message({"type": "refusal", "refusal": "I cannot."})),
    ],
)
def test_refused_answer_is_an_error_that_knows_its_price(body: dict[str, Any]) -> None:
    error = failure_of(body)
    assert type(error) is AnswerRefusedError
    assert error.usage == Usage(12, 5, 8, 2)


@pytest.mark.parametrize(
    ("code", "usage", "expected"),
    [
        ("server_error", None, ProviderUnavailableError),
        ("server_error", USAGE, OutcomeUnknownError),
        ("rate_limit_exceeded", None, RateLimitedError),
        ("invalid_prompt", None, RequestRejectedError),
        ("image_too_large", None, RequestRejectedError),
        ("image_content_policy_violation", None, AnswerRefusedError),
        ("bio_policy", USAGE, AnswerRefusedError),
        ("a_new_word", None, OutcomeUnknownError),
    ],
)
def test_failed_response_is_what_it_says(
    code: str, usage: dict[str, Any] | None, expected: type[LlmError]
) -> None:
    error = failure_of(
        response(status="failed", usage=usage, error={"code": code, "message": "No."})
    )
    assert (type(error), error.provider_code, error.status) == (expected, code, 200)


def test_failed_response_may_give_no_reason() -> None:
    error = failure_of(response(status="failed", usage=None, error=None))
    assert (type(error), error.provider_code) == (OutcomeUnknownError, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>hello</html>",
        {},
        {"output": None},
        {"output": [{"type": "message", "content": 7}]},
        response(),
        response(REASONING),
        response(status="queued"),
        response(status="cancelled"),
    ],
)
def test_body_without_an_answer_may_have_been_billed(body: Any) -> None:
    error = failure_of(body)
    assert (type(error), error.sent, error.request_id) == (OutcomeUnknownError, True, "req-1")


@pytest.mark.parametrize("usage", [None, "many", {"input_tokens": "12"}])
def test_odd_usage_never_costs_the_answer(usage: object) -> None:
    reply = reply_to(response(message(text("Paris.")), usage=usage))
    assert (reply.text, reply.usage) == ("Paris.", None)


def streamed(*events: dict[str, Any] | bytes) -> tuple[list[str], LlmReply]:
    stream = ResponsesStream(ASKED)
    texts = [
        stream.take(event if isinstance(event, bytes) else json.dumps(event).encode())
        for event in events
    ]
    return texts, stream.reply()


def delta(value: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": value, "item_id": "msg_1"}


CREATED = {"type": "response.created", "response": response(status="in_progress")}


def test_stream_gives_pieces_and_the_same_reply() -> None:
    whole = response(message(text("Paris.")))
    done = {"type": "response.completed", "response": whole}
    args = {"type": "response.function_call_arguments.delta", "delta": "{}"}
    texts, reply = streamed(CREATED, args, delta("Par"), delta("is."), done, b"[DONE]")
    assert "".join(texts) == "Paris."
    assert reply == reply_to(whole)


def test_stream_that_fails_says_why() -> None:
    failed = response(status="failed", usage=None, error={"code": "server_error", "message": "m"})
    with pytest.raises(ProviderUnavailableError):
        streamed(CREATED, {"type": "response.failed", "response": failed})


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    ("before", "expected"), [([], RateLimitedError), ([delta("Par")], OutcomeUnknownError)]
)
def test_error_event_is_retryable_only_before_the_text(
    before: list[dict[str, Any]], expected: type[LlmError], nested: bool
) -> None:
    words = {"code": "rate_limit_exceeded", "message": "Slow down."}
    event = {"type": "error", "error": words} if nested else {"type": "error", **words}
    with pytest.raises(expected, match="Slow down"):
        streamed(CREATED, *before, event)


@pytest.mark.parametrize(
    "events",
    [
        [CREATED, delta("Par")],
        [CREATED, b"{"],
        [CREATED, {"type": "response.output_text.delta", "delta": 7}],
        [],
        [{"type": "response.completed"}],
    ],
)
def test_stream_without_its_end_may_have_been_billed(events: list[Any]) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        streamed(*events)
    assert caught.value.sent
