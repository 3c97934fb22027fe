"""Answers in the shape of OpenAI's Chat Completions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmbus.worker.provider_simulator.answer import Answer, new_id
from llmbus.worker.provider_simulator.behaviour import Finish
from llmbus.worker.provider_simulator.dialect import json_frame
from llmbus.worker.provider_simulator.pieces import pieces_of

__all__ = ["completion_frames", "whole_completion"]

_FINISH_REASONS: Final = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL: "tool_calls",
    Finish.REFUSAL: "stop",
    Finish.FILTER: "content_filter",
    Finish.FAILED: "stop",
}


def whole_completion(answer: Answer) -> dict[str, Any]:
    """A complete one."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or None,
        "refusal": answer.refusal,
        "annotations": [],
    }
    if answer.finish in {Finish.LENGTH, Finish.STOP}:
        message["content"] = answer.text  # all tokens may have gone into reasoning
    if answer.refusal is not None:
        message["content"] = None
    if answer.tools:
        message["tool_calls"] = _calls(answer)
    finish = _FINISH_REASONS[answer.finish]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        **_envelope(answer, "chat.completion"),
        "choices": [choice],
        "usage": _usage(answer),
    }


def completion_frames(answer: Answer, *, with_usage: bool) -> Iterator[bytes]:
    """The same in chunks."""
    envelope = _envelope(answer, "chat.completion.chunk")
    if with_usage:
        envelope["usage"] = None

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return json_frame(envelope | {"choices": [choice]})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in pieces_of(answer.text):
        yield chunk({"content": piece})
    for piece in pieces_of(answer.refusal or ""):
        yield chunk({"refusal": piece})
    for index, call in enumerate(_calls(answer)):
        arguments = call["function"]["arguments"]
        start = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        yield chunk({"tool_calls": [start]})
        for piece in pieces_of(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _FINISH_REASONS[answer.finish])
    if with_usage:
        yield json_frame(envelope | {"choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": tool.id,
            "type": "function",
            "function": {"name": tool.name, "arguments": tool.arguments_json},
        }
        for tool in answer.tools
    ]


def _envelope(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": new_id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": answer.model,
        "service_tier": "default",
    }


def _usage(answer: Answer) -> dict[str, Any]:
    tokens = answer.tokens
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    }
