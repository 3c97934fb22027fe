"""What chat completions answer as a whole, as replies of ours. Needs no SDK."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.openai_llm.errors import refused
from llmbus.worker.llm_abstractions.openai_llm.usage import chat_usage
from llmbus.worker.llm_abstractions.profiles import Endpoint

__all__ = ["Call", "ChatMessage", "Choice", "Function", "reply_from_body", "reply_of"]


class Function(msgspec.Struct):
    name: str = ""
    arguments: str | None = None


class Call(msgspec.Struct):
    function: Function = msgspec.field(default_factory=Function)
    id: str | None = None
    index: int | None = None
    """Only in streams: which call a piece belongs to."""


class ChatMessage(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None


class Choice(msgspec.Struct):
    message: ChatMessage
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[Choice], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


_COMPLETIONS: Final = msgspec.json.Decoder(_Completion)


def reply_from_body(body: bytes, asked: Asked) -> LlmReply:
    """The reply in the body of an answer with status 200.

    Raises `AnswerRefusedError`, or `OutcomeUnknownError` for a body without an answer.
    """
    try:
        completion = _COMPLETIONS.decode(body)
    except msgspec.MsgspecError as error:
        raise asked.no_answer(
            f"status 200 with a body that is no completion ({error}): {asked.beginning_of(body)}"
        ) from None
    return reply_of(completion.choices[0], completion.model, chat_usage(completion.usage), asked)


def reply_of(choice: Choice, model: str | None, usage: Usage | None, asked: Asked) -> LlmReply:
    calls = _tool_calls(choice.message.tool_calls or ())
    finish_reason = choice.finish_reason or "unknown"
    if refusal := _refusal(choice):
        raise refused(refusal, asked, usage)
    # A reasoning model may use up max_tokens before its first word: cut, not broken.
    if choice.message.content is None and not calls and finish_reason != "length":
        raise asked.no_answer(f"an answer without text ({finish_reason})", usage)
    if calls and finish_reason == "stop":  # so it is for a tool that the request made compulsory
        finish_reason = "tool_calls"
    return LlmReply(
        text=choice.message.content or "",
        finish_reason=finish_reason,
        usage=usage,
        model=model or asked.model,
        provider=asked.provider,
        request_id=asked.request_id,
        tool_calls=calls,
        endpoint=Endpoint.CHAT.value,
    )


def _tool_calls(calls: list[Call] | tuple[()]) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(
            id=call.id or f"call_{position}",
            name=call.function.name,
            arguments=call.function.arguments or "",
        )
        for position, call in enumerate(calls)
    )


def _refusal(choice: Choice) -> str | None:
    if choice.finish_reason == "content_filter":
        return "the provider's content filter withheld the answer"
    if choice.message.refusal:
        return f"the model refused: {choice.message.refusal}"
    return None
