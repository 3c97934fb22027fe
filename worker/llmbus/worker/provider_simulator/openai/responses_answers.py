"""Answers in the shape of OpenAI's Responses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from llmbus.worker.provider_simulator.answer import Answer, new_id
from llmbus.worker.provider_simulator.behaviour import Finish
from llmbus.worker.provider_simulator.dialect import named_frame
from llmbus.worker.provider_simulator.pieces import pieces_of

__all__ = ["response_frames", "whole_response"]

_INCOMPLETE: Final = {Finish.LENGTH: "max_output_tokens", Finish.FILTER: "content_filter"}
_FAILURE: Final = {"code": "server_error", "message": "The model failed to generate a response."}


def whole_response(answer: Answer) -> dict[str, Any]:
    """A complete response."""
    return _response(answer, new_id("resp_"), _status(answer), _items(answer))


def response_frames(answer: Answer) -> Iterator[bytes]:
    """The same as events, numbered."""
    for number, event in enumerate(_events(answer)):
        yield named_frame(event | {"sequence_number": number})


def _events(answer: Answer) -> Iterator[dict[str, Any]]:
    response_id = new_id("resp_")
    status = _status(answer)
    begun = _response(answer, response_id, "in_progress", []) | {"usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    items = _items(answer)
    for index, item in enumerate(items):
        opened = item | {"status": "in_progress"} | _EMPTY.get(item["type"], {})
        yield {"type": "response.output_item.added", "output_index": index, "item": opened}
        place = {"item_id": item["id"], "output_index": index}
        for event in _inner_events(item):
            yield event | place
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    ended = _response(answer, response_id, status, items)
    yield {"type": f"response.{status}", "response": ended}


_EMPTY: Final[dict[str, dict[str, Any]]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": []},
}


def _inner_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match item["type"]:
        case "message":
            for index, part in enumerate(item["content"]):
                for event in _part_events(part):
                    yield event | {"content_index": index}
        case "function_call":
            kind = "response.function_call_arguments"
            for piece in pieces_of(item["arguments"]):
                yield {"type": f"{kind}.delta", "delta": piece}
            yield {"type": f"{kind}.done", "arguments": item["arguments"], "name": item["name"]}
        case _:
            pass


def _part_events(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    field = "refusal" if part["type"] == "refusal" else "text"
    kind = "response.refusal" if field == "refusal" else "response.output_text"
    extra: dict[str, Any] = {} if field == "refusal" else {"logprobs": []}
    yield {"type": "response.content_part.added", "part": part | {field: ""}}
    for piece in pieces_of(part[field]):
        yield {"type": f"{kind}.delta", "delta": piece, **extra}
    yield {"type": f"{kind}.done", field: part[field], **extra}
    yield {"type": "response.content_part.done", "part": part}


def _status(answer: Answer) -> str:
    if answer.finish is Finish.FAILED:
        return "failed"
    return "incomplete" if answer.finish in _INCOMPLETE else "completed"


def _items(answer: Answer) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if answer.finish is Finish.FAILED:
        return items
    if answer.thought is not None:
        items.append(
            {
                "type": "reasoning",
                "id": new_id("rs_"),
                "summary": [],
                "encrypted_content": new_id("gAAAA"),
                "status": None,
            }
        )
    if parts := _parts(answer):
        items.append(
            {
                "type": "message",
                "id": new_id("msg_"),
                "role": "assistant",
                "status": "incomplete" if answer.finish in _INCOMPLETE else "completed",
                "content": parts,
            }
        )
    items += [
        {
            "type": "function_call",
            "id": new_id("fc_"),
            "call_id": tool.id,
            "name": tool.name,
            "arguments": tool.arguments_json,
            "status": "completed",
        }
        for tool in answer.tools
    ]
    return items


def _parts(answer: Answer) -> list[dict[str, Any]]:
    if answer.refusal is not None:
        return [{"type": "refusal", "refusal": answer.refusal}]
    if not answer.text:
        return []
    return [{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}]


def _response(
    answer: Answer, response_id: str, status: str, output: list[dict[str, Any]]
) -> dict[str, Any]:
    tokens = answer.tokens
    reason = _INCOMPLETE.get(answer.finish) if status == "incomplete" else None
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": _FAILURE if status == "failed" else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "metadata": {},
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": 0},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        },
    }
