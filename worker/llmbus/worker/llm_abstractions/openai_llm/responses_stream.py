"""What the Responses API answers in events. Needs no SDK."""

from __future__ import annotations

from typing import Final

import msgspec

from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply
from llmbus.worker.llm_abstractions.openai_llm.errors import ErrorWords, error_in_answer
from llmbus.worker.llm_abstractions.openai_llm.responses_answers import reply_from_response

__all__ = ["ResponsesStream"]


class _Event(msgspec.Struct):
    type: str
    delta: msgspec.Raw = msgspec.Raw(b"null")
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorWords | None = None
    code: str | None = None
    message: str | None = None


_EVENTS: Final = msgspec.json.Decoder(_Event)
_ENDINGS: Final = {"response.completed", "response.incomplete", "response.failed"}


class ResponsesStream:
    """Reads the events of one streamed response; the last of them holds the whole."""

    def __init__(self, asked: Asked) -> None:
        self._asked: Final = asked
        self._text_came = False
        self._ending: msgspec.Raw | None = None

    def take(self, data: bytes) -> str:
        """The text in the data of one event. Raises an `LlmError` for an error that it tells of,
        and for data that makes no sense."""
        try:
            event = _EVENTS.decode(data)
            if event.type in _ENDINGS:
                self._ending = event.response
            if event.type != "response.output_text.delta":
                text = ""
            else:
                text = msgspec.json.decode(event.delta, type=str)
        except msgspec.MsgspecError as error:
            if data == b"[DONE]":
                return ""
            raise self._asked.no_answer(
                f"a stream with data that is no event ({error}): {self._asked.beginning_of(data)}"
            ) from None
        if event.type == "error":
            words = event.error or ErrorWords(code=event.code, message=event.message)
            raise error_in_answer(
                words, request_id=self._asked.request_id, usage=None, text_came=self._text_came
            )
        self._text_came = self._text_came or bool(text)
        return text

    def reply(self) -> LlmReply:
        """The whole, once the stream has ended; as `reply_from_response`. A stream without a final
        event is an `OutcomeUnknownError`."""
        if self._ending is None:
            raise self._asked.no_answer("the stream ended before the answer did")
        return reply_from_response(self._ending, self._asked)
