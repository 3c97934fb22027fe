"""Answers and errors in the shape of Gemini's generateContent."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from llmbus.worker.provider_simulator.answer import Answer, new_id
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Finish
from llmbus.worker.provider_simulator.dialect import json_frame
from llmbus.worker.provider_simulator.pieces import pieces_of

__all__ = ["content_frames", "error_body", "whole_content"]

_FINISH_REASONS: Final = {
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL: "STOP",
    Finish.FILTER: "SAFETY",
    Finish.FAILED: "STOP",
}
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def whole_content(answer: Answer) -> dict[str, Any]:
    """A complete response."""
    if answer.refusal is not None:
        blocked = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": answer.refusal}
        return {**_envelope(answer, new_id("")), "promptFeedback": blocked}
    parts = _thought_parts(answer)
    if answer.text:
        parts.append({"text": answer.text})
    parts += _call_parts(answer)
    return _chunk(answer, new_id(""), parts, ends=True)


def content_frames(answer: Answer) -> Iterator[bytes]:
    """The same in pieces."""
    if answer.refusal is not None:
        yield json_frame(whole_content(answer))
        return
    response_id = new_id("")
    for parts in _part_groups(answer):
        yield json_frame(_chunk(answer, response_id, parts, ends=False))
    yield json_frame(_chunk(answer, response_id, [{"text": ""}], ends=True))


def error_body(error: ApiError) -> dict[str, Any]:
    """What comes with a status that is not 200; Retry-After is a detail of it."""
    details: list[dict[str, Any]] = []
    if error.code is not None:
        details.append(
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": error.code,
                "domain": "googleapis.com",
            }
        )
    if error.retry_after is not None:
        details.append(
            {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{float(error.retry_after):g}s",
            }
        )
    inner: dict[str, Any] = {
        "code": error.status,
        "message": error.message,
        "status": error.type or _STATUSES.get(error.status, "UNKNOWN"),
    }
    return {"error": inner | ({"details": details} if details else {})}


def _part_groups(answer: Answer) -> Iterator[list[dict[str, Any]]]:
    groups = [_thought_parts(answer)]
    groups += [[{"text": piece}] for piece in pieces_of(answer.text)]
    groups.append(_call_parts(answer))
    return (group for group in groups if group)


def _thought_parts(answer: Answer) -> list[dict[str, Any]]:
    if answer.thought is None or not answer.shows_thought:
        return []
    return [{"text": answer.thought, "thought": True}]


def _call_parts(answer: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"functionCall": {"id": tool.id, "name": tool.name, "args": tool.arguments_object}}
        for tool in answer.tools
    ]
    if parts and answer.thought is not None:  # of parallel calls only the first is signed
        signature = base64.b64encode(f"signature of {answer.tools[0].id}".encode()).decode()
        parts[0]["thoughtSignature"] = signature
    return parts


def _chunk(
    answer: Answer, response_id: str, parts: list[dict[str, Any]], *, ends: bool
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if ends:
        candidate["finishReason"] = _FINISH_REASONS[answer.finish]
        if not any(part.get("text") or "functionCall" in part for part in parts):
            candidate["content"] = {"role": "model"}
    return {**_envelope(answer, response_id), "candidates": [candidate]}


def _envelope(answer: Answer, response_id: str) -> dict[str, Any]:
    tokens = answer.tokens
    usage = {
        "promptTokenCount": tokens.input,
        "totalTokenCount": tokens.input + tokens.output,
    }
    if answer.refusal is None:  # a blocked prompt has no candidates to count
        usage["candidatesTokenCount"] = tokens.output - tokens.reasoning
    else:
        usage["totalTokenCount"] = tokens.input
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
    if tokens.reasoning and answer.refusal is None:
        usage["thoughtsTokenCount"] = tokens.reasoning
    return {"usageMetadata": usage, "modelVersion": answer.model, "responseId": response_id}
