"""From a call to its answer, over all APIs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from llmbus.worker.provider_simulator.answer import answer_to, new_id
from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Behaviour, Stream
from llmbus.worker.provider_simulator.delivery import break_connection, broken_body, send_frames
from llmbus.worker.provider_simulator.dialect import Dialect
from llmbus.worker.provider_simulator.question import Question

__all__ = ["error_response", "respond"]

_encode: Final = msgspec.json.Encoder().encode
_FIRST_ERROR: Final = 400
_JSON: Final = "application/json"


async def respond(
    request: web.Request,
    dialect: Dialect,
    question: Question,
    behaviour: Behaviour,
    latency_seconds: float,
) -> web.StreamResponse:
    """Answer an accepted question as the behaviour says."""
    await asyncio.sleep(latency_seconds)
    if behaviour.connection is not None:
        return await break_connection(request, behaviour.connection)
    headers = {dialect.request_id_header: new_id("req_"), **behaviour.headers}
    in_stream = question.stream and behaviour.stream is not None
    if behaviour.status is not None and not in_stream:
        error = _error(behaviour, behaviour.status)
        if behaviour.body is None:
            return error_response(dialect, error, headers)
        whole = _encode(dialect.error_body(error))
        return await broken_body(request, behaviour.body, error.status, headers, whole)
    answer = answer_to(question, behaviour)
    if question.stream and behaviour.body is None:
        frames = list(dialect.frames(question, answer))
        frame = b""
        if behaviour.stream is Stream.ERROR:
            frame = dialect.error_frame(_error(behaviour, behaviour.status or 500))
        return await send_frames(request, behaviour, headers, frames, frame)
    whole = _encode(dialect.body(answer))
    if behaviour.body is not None:
        return await broken_body(request, behaviour.body, 200, headers, whole)
    return web.Response(body=whole, headers={**headers, "content-type": _JSON})


def error_response(
    dialect: Dialect, error: ApiError, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error, complete."""
    sent = {dialect.request_id_header: new_id("req_"), **(headers or {}), "content-type": _JSON}
    if error.retry_after is not None and dialect.sends_retry_after:
        sent["retry-after"] = str(error.retry_after)
    body = _encode(dialect.error_body(error)) if error.status >= _FIRST_ERROR else b""
    return web.Response(status=error.status, body=body, headers=sent)


def _error(behaviour: Behaviour, status: int) -> ApiError:
    return ApiError(
        status,
        behaviour.message or f"Simulated: {_phrase(status)}.",
        type=behaviour.error_type,
        code=behaviour.error_code,
        retry_after=behaviour.retry_after,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"error {status}"
