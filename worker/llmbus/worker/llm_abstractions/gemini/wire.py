"""The JSON in which Gemini answers, as far as it is read. All of it may be missing."""

from __future__ import annotations

import msgspec

from llmbus.shared import Usage

__all__ = ["Candidate", "PromptFeedback", "Response", "usage_of"]


class FunctionCall(msgspec.Struct):
    name: str
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")

    def arguments(self) -> str:
        text = bytes(self.args).decode()
        return "{}" if text == "null" else text


class Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None


class Content(msgspec.Struct):
    parts: list[Part] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | int | None = None
    """A number for what the older SDK has no word for."""
    finish_message: str | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | int | None = None
    block_reason_message: str | None = None


class Response(msgspec.Struct, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    usage_metadata: msgspec.Raw = msgspec.Raw(b"null")


class _UsageMetadata(msgspec.Struct, rename="camel"):
    prompt_token_count: int
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None

    def to_usage(self) -> Usage:
        input_tokens = self.prompt_token_count + (self.tool_use_prompt_token_count or 0)
        written = self.candidates_token_count or 0
        thoughts = self.thoughts_token_count
        if thoughts is None:  # the older SDK does not know them, but their sum
            thoughts = max((self.total_token_count or 0) - input_tokens - written, 0)
        return Usage(
            input_tokens=input_tokens,
            output_tokens=written + thoughts,
            cached_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
        )


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Read apart from the answer, so that odd accounting never costs a paid answer."""
    try:
        return msgspec.json.decode(raw, type=_UsageMetadata).to_usage()
    except msgspec.MsgspecError:
        return None
