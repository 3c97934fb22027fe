"""A small OpenAI on loopback, for the real SDK to talk to: it answers as it is told and remembers
what it was sent.

    async with OpenAiServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        server.script(Answer(status=429, headers={"retry-after": "7"}), Answer())
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from aiohttp import web

from tests.support.loopback_server import LoopbackServer, Received

__all__ = ["Answer", "Ending", "OpenAiServer", "Received", "completion", "error_body"]


class Ending(Enum):
    """How far an answer gets."""

    COMPLETE = auto()
    DROP_BEFORE_ANSWER = auto()
    """The connection is closed in place of an answer."""
    DROP_IN_BODY = auto()
    """The connection is closed after half of the body."""
    NO_HTTP = auto()
    """Something comes back that is not HTTP."""


def completion(text: str | None = "Hello.", **changes: Any) -> dict[str, Any]:
    """A chat completion; `changes` replace its top-level fields, `message` and `finish_reason`
    those of its only choice."""
    message = changes.pop("message", {"role": "assistant", "content": text})
    finish_reason = changes.pop("finish_reason", "stop")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "gpt-4o-2024-11-20",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 5,
            "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    } | changes


def error_body(code: str | None = None, message: str = "No.") -> dict[str, Any]:
    """What the API says along with a status that is not 200."""
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets: a body of bytes is sent as it is, anything else as JSON."""

    body: Any = field(default_factory=completion)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_seconds: float = 0.0
    ending: Ending = Ending.COMPLETE

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class OpenAiServer(LoopbackServer[Answer]):
    """`base_url` is what `OPENAI_BASE_URL` has to be."""

    path = "/v1/chat/completions"

    def __init__(self, default: Answer | None = None) -> None:
        super().__init__(default or Answer())
        self.in_flight = 0
        self.most_in_flight = 0

    @property
    def base_url(self) -> str:
        """With the version, as OpenAI has it."""
        return f"{super().base_url}/v1"

    async def _respond(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(answer.delay_seconds)
            return await _send(answer, request)
        finally:
            self.in_flight -= 1


async def _send(answer: Answer, request: web.Request) -> web.StreamResponse:
    headers = {"content-type": "application/json", "x-request-id": "req-1", **answer.headers}
    payload = answer.payload()
    if answer.ending is Ending.COMPLETE:
        return web.Response(status=answer.status, body=payload, headers=headers)
    transport = request.transport
    assert transport is not None
    if answer.ending is Ending.NO_HTTP:
        transport.write(b"220 mail.example.org ESMTP\r\n\r\n")
    response = web.StreamResponse(status=answer.status, headers=headers)
    if answer.ending is Ending.DROP_IN_BODY:
        response.content_length = len(payload)
        await response.prepare(request)
        await response.write(payload[: len(payload) // 2])
    transport.close()
    return response
