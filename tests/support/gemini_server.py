"""A small Gemini API on loopback, for the real SDK to talk to: it answers as it is told and
remembers what it was sent.

    async with GeminiServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base_url)
        server.script(refusal(429, "RESOURCE_EXHAUSTED", retry_delay="7s"), Answer())
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from aiohttp import web

from tests.support.loopback_server import LoopbackServer, Received

__all__ = ["Answer", "Ending", "GeminiServer", "Received", "generated", "refusal"]


def generated(*parts: str | Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """An answer of these parts; `changes` replace its top-level fields, `finish` the reason for
    its end (None: it goes on)."""
    finish = changes.pop("finish", "STOP")
    content = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": content}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 12,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
            "totalTokenCount": 17,
            "cachedContentTokenCount": 8,
        },
        "modelVersion": "gemini-a-model-001",
        "responseId": "response-1",
    } | changes


class Ending(Enum):
    """How far an answer gets."""

    COMPLETE = auto()
    DROP_BEFORE_ANSWER = auto()
    """The connection is closed in place of an answer."""
    DROP_IN_BODY = auto()
    """The connection is closed after half of the body, or after the pieces of a stream."""
    HANG = auto()
    """Nothing comes after the pieces of a stream."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets: a body of bytes is sent as it is, anything else as JSON; `pieces` are
    the events of a stream."""

    body: Any = field(default_factory=lambda: generated("Hello."))
    pieces: Sequence[Any] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_seconds: float = 0.0
    ending: Ending = Ending.COMPLETE

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def events(self) -> bytes:
        pieces = self.pieces or (self.body,)
        return b"".join(f"data: {json.dumps(piece)}\r\n\r\n".encode() for piece in pieces)


def refusal(
    http_status: int,
    status: str,
    message: str = "No.",
    *,
    reason: str | None = None,
    quota: str | None = None,
    retry_delay: str | None = None,
) -> Answer:
    """A request that is turned down, as Google's APIs put it."""
    kind = "type.googleapis.com/google.rpc."
    details: list[dict[str, Any]] = []
    if reason:
        details.append({"@type": kind + "ErrorInfo", "reason": reason})
    if quota:
        details.append({"@type": kind + "QuotaFailure", "violations": [{"quotaId": quota}]})
    if retry_delay:
        details.append({"@type": kind + "RetryInfo", "retryDelay": retry_delay})
    error = {"code": http_status, "message": message, "status": status, "details": details}
    return Answer(status=http_status, body={"error": error})


class GeminiServer(LoopbackServer[Answer]):
    """`base_url` is what `GOOGLE_GEMINI_BASE_URL` has to be."""

    path = "/{path:.*}"

    def __init__(self) -> None:
        super().__init__(Answer())

    async def _respond(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        streams = "streamGenerateContent" in request.path and answer.status == 200
        await asyncio.sleep(answer.delay_seconds)
        return await _send(answer, request, streams)


async def _send(answer: Answer, request: web.Request, streams: bool) -> web.StreamResponse:
    content_type = "text/event-stream" if streams else "application/json"
    headers = {"content-type": content_type, **answer.headers}
    payload = answer.events() if streams else answer.payload()
    if answer.ending is Ending.COMPLETE:
        return web.Response(status=answer.status, body=payload, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    if answer.ending is not Ending.DROP_BEFORE_ANSWER:
        if not streams:
            response.content_length = len(payload)
            payload = payload[: len(payload) // 2]
        await response.prepare(request)
        await response.write(payload)
    if answer.ending is Ending.HANG:
        await asyncio.Event().wait()
    assert request.transport is not None
    request.transport.close()
    return response
