"""What Gemini's generateContent answers, as replies of ours. Needs no SDK: both SDKs hand over the
JSON form of the answer, in one piece or in a stream's pieces."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.accounting import with_cost
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    AnswerRefusedError,
    LlmError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.llm_abstractions.gemini.wire import (
    Candidate,
    PromptFeedback,
    Response,
    usage_of,
)

__all__ = ["GeneratedAnswer"]

_REFUSED_BY: Final = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION"}
    | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"}
)
_UNUSABLE_BY: Final = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER"}
    | {"MALFORMED_RESPONSE", "NO_IMAGE", "IMAGE_OTHER"}
)
_CUT_BY: Final = frozenset({"MAX_TOKENS", "CONTINUATION"})
"""The second is the service's own limit per request; going on would be a second paid request."""
_ERROR_TYPE_BY_FINISH: Final[dict[str, type[LlmError]]] = {
    **dict.fromkeys(_REFUSED_BY, AnswerRefusedError),
    **dict.fromkeys(_UNUSABLE_BY, OutcomeUnknownError),
    "MISSING_THOUGHT_SIGNATURE": RequestRejectedError,
    "PUP_LIMITED_DISABLED": AccountError,
}
"""The words are those of google-genai 3.4 (`types.FinishReason`)."""


class GeneratedAnswer:
    """An answer as far as it has come; `model` is the one that was asked for."""

    def __init__(self, *, provider: str, model: str) -> None:
        self._provider: Final = provider
        self._model = model
        self._text: list[str] = []
        self._tool_calls: list[ToolCall] = []
        self._finish = Candidate()
        self._blocked = PromptFeedback()
        self._usage: Usage | None = None
        self._request_id: str | None = None
        self._last_body = ""

    def add(self, body: str) -> str:
        """Take in a whole answer, or a stream's next piece; gives the text that it brought.

        Raises `OutcomeUnknownError` when it is something else: proxies send pages and empty
        objects under status 200, and the call behind them may have been billed.
        """
        try:
            response = msgspec.json.decode(body, type=Response)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            problem = f"status 200 with a body that is no answer ({error}): {body[:200]!r}"
            raise self._failure(OutcomeUnknownError, problem) from None
        self._last_body = body[:200]
        self._request_id = response.response_id or self._request_id
        self._model = response.model_version or self._model
        self._usage = usage_of(response.usage_metadata) or self._usage
        if response.prompt_feedback and response.prompt_feedback.block_reason:
            self._blocked = response.prompt_feedback
        return self._add_candidate(response.candidates[0]) if response.candidates else ""

    def reply(self) -> LlmReply:
        """The whole answer.

        Raises `AnswerRefusedError` when the prompt or the answer was blocked, and
        `OutcomeUnknownError` when there is nothing to hand on or the end is missing.
        """
        reason = str(self._finish.finish_reason or "")
        self._raise_for_a_problem(reason)
        finish_reason = "stop" if reason == "STOP" else reason
        if self._tool_calls:
            finish_reason = "tool_calls"
        if reason in _CUT_BY:
            finish_reason = "length"
        return LlmReply(
            text="".join(self._text),
            finish_reason=finish_reason,
            usage=with_cost(self._usage, self._provider, self._model),
            model=self._model,
            provider=self._provider,
            request_id=self._request_id,
            tool_calls=tuple(self._tool_calls),
            endpoint="generate_content",
        )

    @contextmanager
    def broken_off_as_unknown(self) -> Generator[None]:
        """What may be asked again becomes `OutcomeUnknownError` if a part of the answer is here:
        it may have been billed."""
        try:
            yield
        except (ProviderUnavailableError, RateLimitedError) as error:
            if not (any(self._text) or self._tool_calls):
                raise
            text = f"broken off in the middle of the answer: {error.message}"
            raise self._failure(OutcomeUnknownError, text, error.provider_code) from None

    def _add_candidate(self, candidate: Candidate) -> str:
        if candidate.finish_reason:
            self._finish = candidate
        parts = (candidate.content and candidate.content.parts) or []
        answering = [part for part in parts if not part.thought]
        self._tool_calls.extend(
            ToolCall(
                id=call.id or f"call_{uuid4().hex}",  # older models give none
                name=call.name,
                arguments=call.arguments(),
                signature=part.thought_signature,
            )
            for part in answering
            if (call := part.function_call)
        )
        text = "".join(part.text for part in answering if part.text)
        self._text.append(text)
        return text

    def _raise_for_a_problem(self, reason: str) -> None:
        if word := str(self._blocked.block_reason or ""):
            text = f"the prompt was blocked ({word}) {self._blocked.block_reason_message or ''}"
            raise self._failure(AnswerRefusedError, text.rstrip(), word)
        if not reason:
            text = f"the answer has no end, or there is none: {self._last_body!r}"
            raise self._failure(OutcomeUnknownError, text)
        if error_type := _ERROR_TYPE_BY_FINISH.get(reason):
            text = f"no usable answer ({reason}) {self._finish.finish_message or ''}"
            raise self._failure(error_type, text.rstrip(), reason)
        # A low limit may be used up by thinking before the first word: cut, not broken.
        if not (self._tool_calls or any(self._text) or reason in _CUT_BY):
            raise self._failure(OutcomeUnknownError, f"an answer without text ({reason})", reason)

    def _failure(
        self, error_type: type[LlmError], text: str, provider_code: str | None = None
    ) -> LlmError:
        return error_type(
            text,
            status=200,
            provider_code=provider_code,
            request_id=self._request_id,
            sent=True,
            usage=self._usage,
        )
