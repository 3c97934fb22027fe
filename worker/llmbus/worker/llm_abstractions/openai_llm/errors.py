"""What OpenAI, and whoever speaks its protocol, says of failures, as our errors. Needs no SDK."""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
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
from llmbus.worker.llm_abstractions.http.statuses import error_type_of_status

__all__ = ["ErrorWords", "error_in_answer", "error_type_of_answer", "refused"]

_ERROR_TYPE_BY_CODE: Final[dict[str, type[LlmError]]] = {
    "insufficient_quota": AccountError,
    "billing_hard_limit_reached": AccountError,
    "context_length_exceeded": ContextTooLongError,
    "exceed_context_size_error": ContextTooLongError,  # llama.cpp
    "content_filter": AnswerRefusedError,
    "content_policy_violation": AnswerRefusedError,
}
_ERROR_TYPE_IN_ANSWER: Final[dict[str, type[LlmError]]] = {
    **_ERROR_TYPE_BY_CODE,
    "server_error": ProviderUnavailableError,
    "vector_store_timeout": ProviderUnavailableError,
    "rate_limit_exceeded": RateLimitedError,
    "image_content_policy_violation": AnswerRefusedError,
    "bio_policy": AnswerRefusedError,
    "misalignment_policy_violation": AnswerRefusedError,
}
"""For errors under status 200 (openai 3.54, `ResponseError.code`)."""
_REQUEST_WORDS: Final = ("invalid_", "image_", "unsupported_", "empty_", "data_residency_")


def error_type_of_answer(status: int, *provider_words: str | None) -> type[LlmError]:
    """By a word of the provider that we know (429 is also sent for an empty account), else by the
    HTTP status."""
    for word in provider_words:
        if word in _ERROR_TYPE_BY_CODE:
            return _ERROR_TYPE_BY_CODE[word]
    return error_type_of_status(status)


class ErrorWords(msgspec.Struct):
    """The error that an answer or an event of a stream tells of."""

    code: str | int | None = None
    type: str | None = None
    message: str | None = None


def error_in_answer(
    words: ErrorWords, *, request_id: str | None, usage: Usage | None, text_came: bool = False
) -> LlmError:
    """For an error told under status 200, in an answer or in the middle of a stream.

    If a part of the answer came or was counted, the provider may bill it, so that no such error is
    `retryable`.
    """
    known = [str(word) for word in (words.code, words.type) if word is not None]
    error_type = _error_type(known)
    paid = text_came or (usage is not None and usage.output_tokens > 0)
    if error_type.retryable and paid:
        error_type = OutcomeUnknownError
    return error_type(
        words.message or "the provider reports an error without a text",
        status=200,
        provider_code=known[0] if known else None,
        request_id=request_id,
        sent=True,
        usage=usage,
    )


def refused(text: str, asked: Asked, usage: Usage | None) -> AnswerRefusedError:
    """For an answer that the model or a filter declined to give."""
    return AnswerRefusedError(text, status=200, request_id=asked.request_id, sent=True, usage=usage)


def _error_type(words: list[str]) -> type[LlmError]:
    for word in words:
        if word in _ERROR_TYPE_IN_ANSWER:
            return _ERROR_TYPE_IN_ANSWER[word]
        if word.isdecimal():  # OpenAI-compatible servers put the status there
            return error_type_of_answer(int(word))
        if word.startswith(_REQUEST_WORDS):
            return RequestRejectedError
    return OutcomeUnknownError
