"""What the Responses API answers as a whole, as replies of ours. Needs no SDK."""

from __future__ import annotations

from typing import Any

import msgspec

from llmbus.shared import Usage
from llmbus.worker.llm_abstractions.asked import Asked
from llmbus.worker.llm_abstractions.base_llm import LlmReply, ToolCall
from llmbus.worker.llm_abstractions.errors import LlmError
from llmbus.worker.llm_abstractions.openai_llm.errors import ErrorWords, error_in_answer, refused
from llmbus.worker.llm_abstractions.openai_llm.usage import responses_usage
from llmbus.worker.llm_abstractions.profiles import Endpoint

__all__ = ["reply_from_response"]


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


def reply_from_response(body: bytes | msgspec.Raw, asked: Asked) -> LlmReply:
    """The reply in a response object with status 200.

    Raises `AnswerRefusedError`; what a failed response tells of; or `OutcomeUnknownError` for a
    body without an answer.
    """
    try:
        response = msgspec.json.decode(body, type=_Response)
    except msgspec.MsgspecError as error:
        raise asked.no_answer(
            f"status 200 with a body that is no response ({error}):"
            f" {asked.beginning_of(bytes(body))}"
        ) from None
    usage = responses_usage(response.usage)
    if problem := _problem(response, usage, asked):
        raise problem
    text = _joined(response, "output_text")
    calls = _tool_calls(response)
    cut = response.status == "incomplete"
    if not text and not calls and not cut and not _has_message(response):
        raise asked.no_answer("a response without text", usage)
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
        return refused(refusal, asked, usage)
    if response.status not in {"completed", "incomplete", None}:
        return asked.no_answer(f"a response that is {response.status}", usage)
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
