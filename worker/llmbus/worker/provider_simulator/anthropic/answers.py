"""Answers and errors in the shape of Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmbus.worker.provider_simulator.answer import Answer, new_id
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Finish
from llmbus.worker.provider_simulator.dialect import named_frame
from llmbus.worker.provider_simulator.pieces import pieces_of

__all__ = ["error_body", "message", "message_frames"]

_STOP_REASONS: Final = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL: "tool_use",
    Finish.REFUSAL: "refusal",
    Finish.FILTER: "refusal",
    Finish.FAILED: "end_turn",
}
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def message(answer: Answer) -> dict[str, Any]:
    """A complete message."""
    return {
        **_envelope(answer),
        "content": _blocks(answer),
        **_ending(answer),
        "usage": _usage(answer) | {"output_tokens": answer.tokens.output} | _details(answer),
    }


def message_frames(answer: Answer) -> Iterator[bytes]:
    """The same as events."""
    start: dict[str, Any] = {
        **_envelope(answer),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(answer) | {"output_tokens": 1},
    }
    yield named_frame({"type": "message_start", "message": start})
    yield named_frame({"type": "ping"})
    for index, block in enumerate(_blocks(answer)):
        empty, deltas = _in_deltas(answer, block)
        yield named_frame({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in deltas:
            yield named_frame({"type": "content_block_delta", "index": index, "delta": delta})
        yield named_frame({"type": "content_block_stop", "index": index})
    usage = {"output_tokens": answer.tokens.output} | _details(answer)
    yield named_frame({"type": "message_delta", "delta": _ending(answer), "usage": usage})
    yield named_frame({"type": "message_stop"})


def error_body(error: ApiError) -> dict[str, Any]:
    """What comes with a status that is not 200, and as an event in a stream."""
    kind = error.type or _ERROR_TYPES.get(error.status, "api_error")
    inner = {"type": kind, "message": error.message}
    return {"type": "error", "error": inner, "request_id": new_id("req_")}


def _envelope(answer: Answer) -> dict[str, Any]:
    identity = {"id": new_id("msg_"), "type": "message", "role": "assistant"}
    return identity | {"model": answer.model, "container": None}


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    if answer.refusal is not None:
        return []
    blocks: list[dict[str, Any]] = []
    if answer.thought is not None:
        signature = new_id("sig_")
        blocks.append({"type": "thinking", "thinking": answer.thought, "signature": signature})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text, "citations": None})
    blocks += [
        {"type": "tool_use", "id": tool.id, "name": tool.name, "input": tool.arguments_object}
        for tool in answer.tools
    ]
    return blocks


def _in_deltas(
    answer: Answer, block: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": piece}
                for piece in pieces_of(block["thinking"])
            ]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return block | {"thinking": "", "signature": ""}, deltas
        case "text":
            texts = pieces_of(block["text"])
            return block | {"text": ""}, [{"type": "text_delta", "text": text} for text in texts]
        case _:
            called = next(tool for tool in answer.tools if tool.id == block["id"])
            texts = pieces_of(called.arguments_json)
            deltas = [{"type": "input_json_delta", "partial_json": text} for text in texts]
            return block | {"input": {}}, deltas


def _ending(answer: Answer) -> dict[str, Any]:
    reason = "stop_sequence" if answer.stopped_by else _STOP_REASONS[answer.finish]
    details = None
    if reason == "refusal":
        details = {"type": "refusal", "category": "general_harms", "explanation": answer.refusal}
    return {"stop_reason": reason, "stop_sequence": answer.stopped_by, "stop_details": details}


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "input_tokens": answer.tokens.input - answer.tokens.cached,
        "cache_read_input_tokens": answer.tokens.cached,
        "cache_creation_input_tokens": 0,
        "service_tier": "standard",
    }


def _details(answer: Answer) -> dict[str, Any]:
    return {"output_tokens_details": {"thinking_tokens": answer.tokens.reasoning}}
