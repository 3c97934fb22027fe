"""What Gemini answers, as replies and errors of ours."""

import json
from typing import Any

import pytest

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.base_llm import LlmReply
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    AnswerRefusedError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.answers import GeneratedAnswer
from tests.support.gemini_server import generated

CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}


def reply_to(*bodies: Any) -> LlmReply:
    answer = GeneratedAnswer(provider="google-gemini", model="gemini-x")
    for body in bodies:
        answer.add(body if isinstance(body, str) else json.dumps(body))
    return answer.reply()


def failure_of(*bodies: Any) -> LlmError:
    with pytest.raises(LlmError) as caught:
        reply_to(*bodies)
    return caught.value


def test_answer_becomes_a_reply() -> None:
    assert reply_to(generated("Paris.")) == LlmReply(
        text="Paris.",
        finish_reason="stop",
        usage=Usage(input_tokens=12, output_tokens=5, cached_tokens=8, reasoning_tokens=2),
        model="gemini-a-model-001",
        provider="google-gemini",
        request_id="response-1",
        endpoint="generate_content",
    )


def test_text_parts_are_joined_and_thoughts_left_out() -> None:
    thought = {"text": "Hm.", "thought": True}
    assert reply_to(generated(thought, "Par", "is.")).text == "Paris."


def test_pieces_are_put_together() -> None:
    answer = GeneratedAnswer(provider="google-gemini", model="gemini-x")
    bodies = [generated("Par", finish=None), generated("is.", usageMetadata=None)]
    assert [answer.add(json.dumps(body)) for body in bodies] == ["Par", "is."]
    reply = answer.reply()
    assert (reply.text, reply.usage) == ("Paris.", Usage(12, 5, 8, 2))


def test_calls_keep_their_signature_and_get_an_id_if_they_have_none() -> None:
    named = {"functionCall": {"name": "g", "id": "id-1", "args": None}, "thoughtSignature": "c2ln"}
    reply = reply_to(generated(CALL, named))
    first, second = reply.tool_calls
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")
    assert (first.name, json.loads(first.arguments), first.signature) == ("f", {"a": 1}, None)
    assert first.id
    assert (second.id, second.name, second.arguments) == ("id-1", "g", "{}")
    assert second.signature == "c2ln"


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "CONTINUATION"])
@pytest.mark.parametrize("parts", [("Half a sen",), ()])
def test_cut_answer_is_a_reply_that_says_so(reason: str, parts: tuple[str, ...]) -> None:
    reply = reply_to(generated(*parts, finish=reason))
    assert (reply.text, reply.finish_reason) == ("".join(parts), "length")


def test_word_that_nobody_knows_yet_does_not_cost_the_answer() -> None:
    assert reply_to(generated("Paris.", finish="TIRED")).finish_reason == "TIRED"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("SAFETY", AnswerRefusedError),
        ("RECITATION", AnswerRefusedError),
        ("PROHIBITED_CONTENT", AnswerRefusedError),
        ("IMAGE_SAFETY", AnswerRefusedError),
        ("MALFORMED_FUNCTION_CALL", OutcomeUnknownError),
        ("UNEXPECTED_TOOL_CALL", OutcomeUnknownError),
        ("OTHER", OutcomeUnknownError),
        ("MISSING_THOUGHT_SIGNATURE", RequestRejectedError),
        ("PUP_LIMITED_DISABLED", AccountError),
    ],
)
def test_end_that_makes_the_answer_useless(reason: str, expected: type[LlmError]) -> None:
    error = failure_of(generated("Half", finish=reason))
    assert type(error) is expected
    assert (error.provider_code, error.request_id, error.sent) == (reason, "response-1", True)
    assert error.usage == Usage(12, 5, 8, 2)


def test_blocked_prompt_is_a_refusal_that_knows_its_price() -> None:
    error = failure_of(
        {
            "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Not this."},
            "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        }
    )
    assert type(error) is AnswerRefusedError
    assert "Not this." in str(error)
    assert error.usage == Usage(input_tokens=9)


NO_ANSWERS: list[Any] = [
    "",
    "{",
    "<html>hello</html>",
    '"text"',
    "\ud800",
    {},
    {"candidates": None},
    {"candidates": []},
    {"candidates": [{}]},
    {"candidates": "none"},
    {"candidates": [{"content": {"parts": [{"text": 7}]}}]},
    {"error": {"message": "upstream"}},
    generated(),
    generated({"text": "Hm.", "thought": True}),
    generated("Half", finish=None),
]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_what_is_no_answer_may_have_been_billed(body: Any) -> None:
    error = failure_of(body)
    assert type(error) is OutcomeUnknownError
    assert (error.sent, error.retryable) == (True, False)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("many", None),
        ({}, None),
        ({"promptTokenCount": 1}, Usage(1, 0)),
        ({"promptTokenCount": 1, "candidatesTokenCount": None}, Usage(1, 0)),
        ({"promptTokenCount": 1, "toolUsePromptTokenCount": 4}, Usage(5, 0)),
        (
            {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 10},
            Usage(1, 9, reasoning_tokens=7),  # as the older SDK sees it
        ),
    ],
)
def test_odd_usage_never_costs_the_answer(usage: object, expected: Usage | None) -> None:
    reply = reply_to(generated("Paris.", usageMetadata=usage))
    assert (reply.text, reply.usage) == ("Paris.", expected)


def test_numbers_in_place_of_words_are_read() -> None:
    reply = reply_to(generated("Paris.", finish=99))
    assert (reply.text, reply.finish_reason) == ("Paris.", "99")


def test_refusal_in_the_middle_may_have_been_billed() -> None:
    answer = GeneratedAnswer(provider="google-gemini", model="gemini-x")
    answer.add(json.dumps(generated("Par", finish=None)))
    with pytest.raises(OutcomeUnknownError, match="overloaded"), answer.broken_off_as_unknown():
        raise ProviderUnavailableError("overloaded", status=503)


def test_refusal_before_the_first_word_may_be_asked_again() -> None:
    answer = GeneratedAnswer(provider="google-gemini", model="gemini-x")
    with pytest.raises(ProviderUnavailableError), answer.broken_off_as_unknown():
        raise ProviderUnavailableError("overloaded", status=503)
