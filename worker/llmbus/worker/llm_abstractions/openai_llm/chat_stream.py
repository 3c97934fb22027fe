"""What chat completions answer in pieces, put together. Needs no SDK."""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply
from llmbus.worker.llm_abstractions.openai_llm.chat_answers import (
    Call,
    ChatMessage,
    Choice,
    Function,
    reply_of,
)
from llmbus.worker.llm_abstractions.openai_llm.errors import ErrorWords, error_in_answer
from llmbus.worker.llm_abstractions.openai_llm.usage import chat_usage

__all__ = ["ChatStream"]


class _Piece(msgspec.Struct):
    delta: ChatMessage = msgspec.field(default_factory=ChatMessage)
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Piece] | None = None
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorWords | str | None = None


_CHUNKS: Final = msgspec.json.Decoder(_Chunk)


class ChatStream:
    """Puts the pieces of one streamed completion together."""

    def __init__(self, asked: Asked) -> None:
        self._asked: Final = asked
        self._text: Final[list[str]] = []
        self._refusal: Final[list[str]] = []
        self._calls: Final[dict[int, Call]] = {}
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
            raise self._asked.no_answer(
                f"a stream with an event that is no chunk ({error}):"
                f" {self._asked.beginning_of(data)}"
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
        self._usage = chat_usage(chunk.usage) or self._usage
        return "".join(self._take_piece(piece) for piece in (chunk.choices or ())[:1])

    def reply(self) -> LlmReply:
        """The whole, once the stream has ended; as `reply_from_body`. A stream that ended before
        its finish reason is an `OutcomeUnknownError`."""
        if self._finish_reason is None:
            raise self._asked.no_answer("the stream ended before the answer did", self._usage)
        message = ChatMessage(
            content="".join(self._text) if self._text else None,
            refusal="".join(self._refusal) or None,
            tool_calls=[self._calls[index] for index in sorted(self._calls)],
        )
        return reply_of(Choice(message, self._finish_reason), self._model, self._usage, self._asked)

    def _take_piece(self, piece: _Piece) -> str:
        self._finish_reason = piece.finish_reason or self._finish_reason
        if piece.delta.refusal:
            self._refusal.append(piece.delta.refusal)
        for part in piece.delta.tool_calls or ():
            self._take_call(part)
        if piece.delta.content is not None:
            self._text.append(piece.delta.content)
        return piece.delta.content or ""

    def _take_call(self, part: Call) -> None:
        index = len(self._calls) if part.index is None else part.index
        call = self._calls.setdefault(index, Call(Function(arguments="")))
        call.id = part.id or call.id
        call.function.name += part.function.name
        call.function.arguments = (call.function.arguments or "") + (part.function.arguments or "")
