"""What the answers of both of OpenAI's endpoints say was consumed. Needs no SDK."""

from __future__ import annotations

from typing import Protocol

import msgspec

from llmbus.shared import Usage

__all__ = ["chat_usage", "responses_usage"]


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _ChatCounts(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None

    def to_usage(self) -> Usage:
        return _usage_of(
            self.prompt_tokens,
            self.completion_tokens,
            self.prompt_tokens_details,
            self.completion_tokens_details,
        )


class _ResponsesCounts(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None

    def to_usage(self) -> Usage:
        return _usage_of(
            self.input_tokens,
            self.output_tokens,
            self.input_tokens_details,
            self.output_tokens_details,
        )


class _Counts(Protocol):
    def to_usage(self) -> Usage: ...


def chat_usage(raw: msgspec.Raw) -> Usage | None:
    """What a completion says; None if it cannot be read. It is read apart from the answer, so that
    odd accounting never costs a paid answer."""
    return _read(raw, _ChatCounts)


def responses_usage(raw: msgspec.Raw) -> Usage | None:
    """What a response says; as `chat_usage`."""
    return _read(raw, _ResponsesCounts)


def _read(raw: msgspec.Raw, form: type[_Counts]) -> Usage | None:
    try:
        return msgspec.json.decode(raw, type=form).to_usage()
    except msgspec.MsgspecError:
        return None


def _usage_of(
    input_tokens: int,
    output_tokens: int,
    input_details: _InputDetails | None,
    output_details: _OutputDetails | None,
) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=(input_details and input_details.cached_tokens) or 0,
        reasoning_tokens=(output_details and output_details.reasoning_tokens) or 0,
    )
