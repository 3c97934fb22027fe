"""What the Messages API answers as a whole, as replies of ours. Needs no SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.accounting import with_cost
from llmbus.worker.llm_abstractions.anthropic.errors import refused
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.profiles import Endpoint

__all__ = ["StopDetails", "read_usage", "reply_from_body", "reply_of"]


class StopDetails(msgspec.Struct):
    """Why the model refused."""

    category: str | None = None
    explanation: str | None = None


class _Message(msgspec.Struct):
    content: list[dict[str, Any]]
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


_MESSAGES: Final = msgspec.json.Decoder(_Message)
_FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
}
"""By the API's stop reasons (anthropic 2.12, `StopReason`)."""
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})


def reply_from_body(body: bytes, asked: Asked) -> LlmReply:
    """The reply in the body of an answer with status 200.

    Raises `AnswerRefusedError`, or `OutcomeUnknownError` for a body without an answer.
    """
    try:
        message = _MESSAGES.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise asked.no_answer(
            f"status 200 with a body that is no message ({error}): {asked.beginning_of(body)}"
        ) from None
    return reply_of(
        message.content,
        message.stop_reason,
        message.stop_details,
        asked=asked,
        model=message.model or asked.model,
        usage=read_usage(message.usage, asked.provider, message.model or asked.model),
    )


def reply_of(
    blocks: Sequence[Mapping[str, Any]],
    stop_reason: str | None,
    stop_details: StopDetails | None,
    *,
    asked: Asked,
    model: str,
    usage: Usage | None,
) -> LlmReply:
    """The reply that these blocks make. Raises as `reply_from_body`."""
    if stop_reason == "refusal":
        details = stop_details or StopDetails()
        raise refused(
            details.category, details.explanation, request_id=asked.request_id, usage=usage
        )
    text, calls = _text(blocks), _tool_calls(blocks)
    if stop_reason is None and not text and not calls:
        raise asked.no_answer("an answer without text or an end", usage)
    return LlmReply(
        text=text,
        finish_reason=_FINISH_REASONS.get(stop_reason or "", stop_reason or "unknown"),
        usage=usage,
        model=model,
        provider=asked.provider,
        request_id=asked.request_id,
        tool_calls=calls,
        thinking=tuple(block for block in blocks if block.get("type") in _THINKING),
        endpoint=Endpoint.MESSAGES.value,
    )


def read_usage(raw: msgspec.Raw | bytes, provider: str, model: str) -> Usage | None:
    """Normalised, with its cost: the API counts what was read from the cache or written to it
    apart from the input. Odd accounting never costs a paid answer."""
    try:
        usage = msgspec.json.decode(raw, type=_Usage)
    except msgspec.MsgspecError:
        return None
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    counted = Usage(
        input_tokens=usage.input_tokens + read + written,
        output_tokens=usage.output_tokens,
        cached_tokens=read,
        reasoning_tokens=(details and details.thinking_tokens) or 0,
    )
    return with_cost(counted, provider, model, cache_write_tokens=written)


def _text(blocks: Sequence[Mapping[str, Any]]) -> str:
    """All text blocks: citations cut a sentence into several, and thinking comes first."""
    return "".join(str(b.get("text") or "") for b in blocks if b.get("type") == "text")


def _tool_calls(blocks: Sequence[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(
            id=str(block.get("id") or f"call_{position}"),
            name=str(block.get("name") or ""),
            arguments=_arguments(block.get("input")),
        )
        for position, block in enumerate(blocks)
        if block.get("type") == "tool_use"
    )


def _arguments(given: object) -> str:
    """A text is what a stream brought, as the model wrote it."""
    return given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
