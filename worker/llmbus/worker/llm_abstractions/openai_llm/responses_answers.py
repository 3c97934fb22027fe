"""What the Responses API answers, at once or in events, as replies of ours. Needs no SDK."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import AnswerRefusedError, LlmError
from llmbus.worker.llm_abstractions.openai_llm.chat_answers import Asked
from llmbus.worker.llm_abstractions.openai_llm.errors import ErrorWords, error_in_answer, no_answer
from llmbus.worker.llm_abstractions.profiles import Endpoint

__all__ = ["ResponsesStream", "reply_from_response"]


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    type: str
    content: list[_Part] | None = None
    """Of a message."""
    call_id: str | None = None
    """Of a function call, as are the next two."""
    name: str = ""
    arguments: str = ""
    id: str | None = None
    """Of a record of thinking, as are the next two."""
    summary: list[dict[str, Any]] | None = None
    encrypted_content: str | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    output: list[_Item]
    status: str | None = None
    model: str | None = None
    error: ErrorWords | None = None
    incomplete_details: _Incomplete | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class _Event(msgspec.Struct):
    type: str
    delta: msgspec.Raw = msgspec.Raw(b"null")
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorWords | None = None
    code: str | None = None
    message: str | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_EVENTS: Final = msgspec.json.Decoder(_Event)
_ENDINGS: Final = {"response.completed", "response.incomplete", "response.failed"}


def reply_from_response(body: bytes | msgspec.Raw, asked: Asked) -> LlmReply:
    """The reply in a response object with status 200.

    Raises `AnswerRefusedError`; what a failed response tells of; or `OutcomeUnknownError` for a
    body without an answer.
    """
    try:
        response = msgspec.json.decode(body, type=_Response)
    except msgspec.MsgspecError as error:
        raise no_answer(
            f"status 200 with a body that is no response ({error}): {bytes(body)[:200]!r}",
            request_id=asked.request_id,
        ) from None
    usage = _usage(response.usage)
    if problem := _problem(response, usage, asked):
        raise problem
    text = _joined(response, "output_text")
    calls = _tool_calls(response)
    cut = response.status == "incomplete"
    if not text and not calls and not cut and not _has_message(response):
        raise no_answer("a response without text", request_id=asked.request_id, usage=usage)
    return LlmReply(
        text=text,
        finish_reason="length" if cut else "tool_calls" if calls else "stop",
        usage=usage,
        model=response.model or asked.model,
        provider=asked.provider,
        request_id=asked.request_id,
        tool_calls=calls,
        thinking=_thinking(response) if calls else (),
        endpoint=Endpoint.RESPONSES.value,
    )


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
            raise no_answer(
                f"a stream with data that is no event ({error}): {data[:200]!r}",
                request_id=self._asked.request_id,
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
            raise no_answer(
                "the stream ended before the answer did", request_id=self._asked.request_id
            )
        return reply_from_response(self._ending, self._asked)


def _problem(response: _Response, usage: Usage | None, asked: Asked) -> LlmError | None:
    if response.status == "failed":
        words = response.error or ErrorWords(message="the response failed without a reason")
        return error_in_answer(words, request_id=asked.request_id, usage=usage)
    reason = response.incomplete_details and response.incomplete_details.reason
    if reason == "content_filter":
        refusal: str | None = "the provider's content filter withheld the answer"
    else:
        said = _joined(response, "refusal")
        refusal = f"the model refused: {said}" if said else None
    if refusal:
        return AnswerRefusedError(
            refusal, status=200, request_id=asked.request_id, sent=True, usage=usage
        )
    if response.status not in {"completed", "incomplete", None}:
        return no_answer(
            f"a response that is {response.status}", request_id=asked.request_id, usage=usage
        )
    return None


def _joined(response: _Response, part_type: str) -> str:
    return "".join(
        (part.text if part.text is not None else part.refusal) or ""
        for item in response.output
        if item.type == "message"
        for part in item.content or ()
        if part.type == part_type
    )


def _has_message(response: _Response) -> bool:
    return any(item.type == "message" and item.content for item in response.output)


def _tool_calls(response: _Response) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(id=item.call_id or item.id or "", name=item.name, arguments=item.arguments)
        for item in response.output
        if item.type == "function_call"
    )


def _thinking(response: _Response) -> tuple[dict[str, Any], ...]:
    """Records that can be sent back to a provider that has stored nothing."""
    return tuple(
        {
            "type": "reasoning",
            "id": item.id,
            "summary": item.summary or [],
            "encrypted_content": item.encrypted_content,
        }
        for item in response.output
        if item.type == "reasoning" and item.encrypted_content
    )


def _usage(raw: msgspec.Raw) -> Usage | None:
    """Read apart from the answer, so that odd accounting never costs a paid answer."""
    try:
        usage = msgspec.json.decode(raw, type=_Usage)
    except msgspec.MsgspecError:
        return None
    cached = usage.input_tokens_details and usage.input_tokens_details.cached_tokens
    reasoning = usage.output_tokens_details and usage.output_tokens_details.reasoning_tokens
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=cached or 0,
        reasoning_tokens=reasoning or 0,
    )
