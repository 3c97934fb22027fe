"""What the OpenAI chat completions API answers, as replies and errors of ours. Needs no SDK."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from llmbus.shared import Usage
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

__all__ = ["error_type_of_answer", "reply_from_body"]

_ERROR_TYPE_BY_CODE: Final[dict[str, type[LlmError]]] = {
    "insufficient_quota": AccountError,
    "billing_hard_limit_reached": AccountError,
    "context_length_exceeded": ContextTooLongError,
    "content_filter": AnswerRefusedError,
    "content_policy_violation": AnswerRefusedError,
}
_ERROR_TYPE_BY_STATUS: Final[dict[int, type[LlmError]]] = {
    401: AccountError,
    402: AccountError,
    403: AccountError,
    408: ProviderUnavailableError,
    409: ProviderUnavailableError,
    413: ContextTooLongError,
    429: RateLimitedError,
}


def error_type_of_answer(status: int, *provider_words: str | None) -> type[LlmError]:
    """By a word of the provider that we know (429 is also sent for an empty account), else by the
    HTTP status."""
    for word in provider_words:
        if word in _ERROR_TYPE_BY_CODE:
            return _ERROR_TYPE_BY_CODE[word]
    if status >= 500:
        return ProviderUnavailableError
    return _ERROR_TYPE_BY_STATUS.get(status, RequestRejectedError)


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


def reply_from_body(body: bytes, *, provider: str, model: str, request_id: str | None) -> LlmReply:
    """The reply in the body of an answer with status 200; `model` is the one that was asked for.

    Raises `AnswerRefusedError`, or `OutcomeUnknownError` for a body without an answer: proxies
    send pages and empty objects under 200, and the call behind them may have been billed.
    """
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except msgspec.MsgspecError as error:
        raise OutcomeUnknownError(
            f"status 200 with a body that is no completion ({error}): {body[:200]!r}",
            status=200,
            request_id=request_id,
            sent=True,
        ) from None
    choice = completion.choices[0]
    usage = _usage(completion.usage)
    if problem := _problem(choice):
        error_type, text = problem
        raise error_type(text, status=200, request_id=request_id, sent=True, usage=usage)
    return LlmReply(
        text=choice.message.content or "",
        finish_reason=choice.finish_reason or "unknown",
        usage=usage,
        model=completion.model or model,
        provider=provider,
        request_id=request_id,
    )


def _problem(choice: _Choice) -> tuple[type[LlmError], str] | None:
    if choice.finish_reason == "content_filter":
        return AnswerRefusedError, "the provider's content filter withheld the answer"
    if choice.message.refusal:
        return AnswerRefusedError, f"the model refused: {choice.message.refusal}"
    # A reasoning model may use up max_tokens before its first word: cut, not broken.
    if choice.message.content is None and choice.finish_reason != "length":
        return OutcomeUnknownError, f"an answer without text ({choice.finish_reason})"
    return None


def _usage(raw: msgspec.Raw) -> Usage | None:
    """Read apart from the answer, so that odd accounting never costs a paid answer."""
    try:
        usage = msgspec.json.decode(raw, type=_Usage)
    except msgspec.MsgspecError:
        return None
    cached = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
    reasoning = usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_tokens=cached or 0,
        reasoning_tokens=reasoning or 0,
    )
