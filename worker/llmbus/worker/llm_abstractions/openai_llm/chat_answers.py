"""What chat completions answer, at once or in pieces, as replies of ours. Needs no SDK."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import AnswerRefusedError
from llmbus.worker.llm_abstractions.openai_llm.errors import ErrorWords, error_in_answer, no_answer
from llmbus.worker.llm_abstractions.profiles import Endpoint

__all__ = ["Asked", "ChatStream", "reply_from_body"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked for an answer, and under which number it came."""

    provider: str
    model: str
    request_id: str | None


class _Function(msgspec.Struct):
    name: str = ""
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)
    id: str | None = None
    index: int | None = None
    """Only in streams: which call a piece belongs to."""


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class _Piece(msgspec.Struct):
    delta: _Message = msgspec.field(default_factory=_Message)
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Piece] | None = None
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorWords | str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


_COMPLETIONS: Final = msgspec.json.Decoder(_Completion)
_CHUNKS: Final = msgspec.json.Decoder(_Chunk)


def reply_from_body(body: bytes, asked: Asked) -> LlmReply:
    """The reply in the body of an answer with status 200.

    Raises `AnswerRefusedError`, or `OutcomeUnknownError` for a body without an answer.
    """
    try:
        completion = _COMPLETIONS.decode(body)
    except msgspec.MsgspecError as error:
        raise no_answer(
            f"status 200 with a body that is no completion ({error}): {body[:200]!r}",
            request_id=asked.request_id,
        ) from None
    return _reply(completion.choices[0], completion.model, _usage(completion.usage), asked)


class ChatStream:
    """Puts the pieces of one streamed completion together."""

    def __init__(self, asked: Asked) -> None:
        self._asked: Final = asked
        self._text: Final[list[str]] = []
        self._refusal: Final[list[str]] = []
        self._calls: Final[dict[int, _Call]] = {}
        self._finish_reason: str | None = None
        self._model: str | None = None
        self._usage: Usage | None = None

    def take(self, data: bytes) -> str:
        """The text in the data of one event. Raises an `LlmError` for an error that it tells of,
        and for data that makes no sense."""
        if data == b"[DONE]":
            return ""
        try:
            chunk = _CHUNKS.decode(data)
        except msgspec.MsgspecError as error:
            raise no_answer(
                f"a stream with an event that is no chunk ({error}): {data[:200]!r}",
                request_id=self._asked.request_id,
            ) from None
        if chunk.error is not None:
            words = ErrorWords(message=chunk.error) if isinstance(chunk.error, str) else chunk.error
            raise error_in_answer(
                words,
                request_id=self._asked.request_id,
                usage=self._usage,
                text_came=bool(self._text or self._calls),
            )
        self._model = chunk.model or self._model
        self._usage = _usage(chunk.usage) or self._usage
        return "".join(self._take_piece(piece) for piece in (chunk.choices or ())[:1])

    def reply(self) -> LlmReply:
        """The whole, once the stream has ended; as `reply_from_body`. A stream that ended before
        its finish reason is an `OutcomeUnknownError`."""
        if self._finish_reason is None:
            raise no_answer(
                "the stream ended before the answer did",
                request_id=self._asked.request_id,
                usage=self._usage,
            )
        message = _Message(
            content="".join(self._text) if self._text else None,
            refusal="".join(self._refusal) or None,
            tool_calls=[self._calls[index] for index in sorted(self._calls)],
        )
        return _reply(_Choice(message, self._finish_reason), self._model, self._usage, self._asked)

    def _take_piece(self, piece: _Piece) -> str:
        self._finish_reason = piece.finish_reason or self._finish_reason
        if piece.delta.refusal:
            self._refusal.append(piece.delta.refusal)
        for part in piece.delta.tool_calls or ():
            self._take_call(part)
        if piece.delta.content is not None:
            self._text.append(piece.delta.content)
        return piece.delta.content or ""

    def _take_call(self, part: _Call) -> None:
        index = len(self._calls) if part.index is None else part.index
        call = self._calls.setdefault(index, _Call(_Function(arguments="")))
        call.id = part.id or call.id
        call.function.name += part.function.name
        call.function.arguments = (call.function.arguments or "") + (part.function.arguments or "")


def _reply(choice: _Choice, model: str | None, usage: Usage | None, asked: Asked) -> LlmReply:
    calls = _tool_calls(choice.message.tool_calls or ())
    finish_reason = choice.finish_reason or "unknown"
    if refusal := _refusal(choice):
        raise AnswerRefusedError(
            refusal, status=200, request_id=asked.request_id, sent=True, usage=usage
        )
    # A reasoning model may use up max_tokens before its first word: cut, not broken.
    if choice.message.content is None and not calls and finish_reason != "length":
        raise no_answer(
            f"an answer without text ({finish_reason})", request_id=asked.request_id, usage=usage
        )
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


def _tool_calls(calls: list[_Call] | tuple[()]) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(
            id=call.id or f"call_{position}",
            name=call.function.name,
            arguments=call.function.arguments or "",
        )
        for position, call in enumerate(calls)
    )


def _refusal(choice: _Choice) -> str | None:
    if choice.finish_reason == "content_filter":
        return "the provider's content filter withheld the answer"
    if choice.message.refusal:
        return f"the model refused: {choice.message.refusal}"
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
