"""What Anthropic says of a failure, as errors of ours. Needs no SDK."""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.shared import Usage
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
from llmbus.worker.llm_abstractions.redaction import without_secrets

__all__ = ["ErrorWords", "error_in_stream", "error_type_of_answer", "refused"]

_ERROR_TYPE_BY_CODE: Final[dict[str, type[LlmError]]] = {
    "cmek_key_disabled": AccountError,
    "cmek_key_network_blocked": AccountError,
    "contract_spend_limit_reached": AccountError,
    "enforced_spend_limit_reached": AccountError,
    "linked_organization_billing_unavailable": AccountError,
    "linked_organization_spend_limit_reached": AccountError,
    "organization_on_hold": AccountError,
    "organization_type_not_supported": AccountError,
    "parent_organization_required": AccountError,
}
"""Causes that come under a status or a type that means something else: 429 is also sent for money
that is used up (anthropic 2.12, `ErrorDetails`)."""
_ERROR_TYPE_BY_TEXT: Final[tuple[tuple[str, type[LlmError]], ...]] = (
    ("credit balance is too low", AccountError),
    ("credit balance too low", AccountError),
    ("prompt is too long", ContextTooLongError),
    ("exceed context limit", ContextTooLongError),
    ("exceeds the context window", ContextTooLongError),
    ("exceed_context_size", ContextTooLongError),  # llama.cpp
    ("available context size", ContextTooLongError),
    ("output blocked by content filtering policy", AnswerRefusedError),
)
"""For status 400, which has one type for everything; the API has no code for these."""
_ERROR_TYPE_BY_TYPE: Final[dict[str, type[LlmError]]] = {
    "api_error": ProviderUnavailableError,
    "authentication_error": AccountError,
    "billing_error": AccountError,
    "conflict_error": ProviderUnavailableError,
    "invalid_request_error": RequestRejectedError,
    "not_found_error": RequestRejectedError,
    "overloaded_error": ProviderUnavailableError,
    "permission_error": AccountError,
    "rate_limit_error": RateLimitedError,
    "request_too_large": ContextTooLongError,
    "timeout_error": ProviderUnavailableError,
}
"""For errors in streams, whose status is 200 (anthropic 2.12, `ErrorType`)."""


class _Details(msgspec.Struct):
    error_code: str | None = None


class ErrorWords(msgspec.Struct):
    """The error that an event of a stream tells of."""

    type: str | None = None
    message: str | None = None
    details: _Details | None = None


def error_type_of_answer(status: int, code: str | None, message: str) -> type[LlmError]:
    """By a cause that we know, else by the HTTP status."""
    if known := _by_cause(code, message if status == 400 else ""):
        return known
    if status == 499:  # somebody on the way saw us hang up
        return OutcomeUnknownError
    return error_type_of_status(status)


def error_in_stream(
    words: ErrorWords, *, api_key: str, request_id: str | None, usage: Usage | None, begun: bool
) -> LlmError:
    """For an error event. If a part of the answer came before it, that may be billed, so that no
    such error is `retryable`."""
    code = words.details.error_code if words.details else None
    text = words.message or "the provider reports an error without a text"
    error_type = _by_cause(code, text) or _ERROR_TYPE_BY_TYPE.get(
        words.type or "", OutcomeUnknownError
    )
    if error_type.retryable and begun:
        error_type = OutcomeUnknownError
    return error_type(
        without_secrets(text, api_key),
        status=200,
        provider_code=code or words.type,
        request_id=request_id,
        sent=True,
        usage=usage,
    )


def refused(
    category: str | None, explanation: str | None, *, request_id: str | None, usage: Usage | None
) -> LlmError:
    """For an answer that ended in a refusal; what was written before it is not to be used."""
    why = f" ({category})" if category else ""
    return AnswerRefusedError(
        f"the model refused{why}: {explanation or 'no explanation given'}",
        status=200,
        provider_code=category or "refusal",
        request_id=request_id,
        sent=True,
        usage=usage,
    )


def _by_cause(code: str | None, message: str) -> type[LlmError] | None:
    if code in _ERROR_TYPE_BY_CODE:
        return _ERROR_TYPE_BY_CODE[code]
    text = message.lower()
    return next((error for words, error in _ERROR_TYPE_BY_TEXT if words in text), None)
