"""How an answer goes out: whole, broken, slowly, or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from llmbus.worker.provider_simulator.behaviour import Behaviour, Body, Connection, Stream

__all__ = ["break_connection", "broken_body", "send_frames"]

_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream; charset=utf-8"
_HTML: Final = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_BROKEN: Final[Mapping[Body, tuple[str, bytes]]] = {
    Body.INVALID: (_JSON, b'{"id": "x", '),
    Body.EMPTY: (_JSON, b""),
    Body.HTML: ("text/html", _HTML),
    Body.WRONG_SHAPE: (_JSON, b'{"hello": "world"}'),
}


async def break_connection(request: web.Request, how: Connection) -> web.StreamResponse:
    """In place of an answer."""
    if how is Connection.HUNG:
        await asyncio.Event().wait()  # until the caller leaves, which cancels this
    transport = request.transport
    if transport is not None and how is Connection.RESET:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            linger = struct.pack("ii", 1, 0)  # closing then sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.StreamResponse()


async def broken_body(
    request: web.Request, how: Body, status: int, headers: Mapping[str, str], whole: bytes
) -> web.StreamResponse:
    """`whole` is what a sound answer would have been."""
    if how is not Body.TRUNCATED:
        content_type, body = _BROKEN[how]
        return web.Response(
            status=status, body=body, headers={**headers, "content-type": content_type}
        )
    response = web.StreamResponse(status=status, headers={**headers, "content-type": _JSON})
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    _close(request)
    return response


async def send_frames(
    request: web.Request,
    behaviour: Behaviour,
    headers: Mapping[str, str],
    frames: Sequence[bytes],
    error_frame: bytes,
) -> web.StreamResponse:
    """A streamed answer; `error_frame` is what an `error` in it looks like."""
    response = web.StreamResponse(headers={**headers, "content-type": _EVENTS})
    await response.prepare(request)
    match behaviour.stream:
        case None:
            await response.write(b"".join(frames))
        case Stream.DRIPS:
            for frame in frames:
                await asyncio.sleep(behaviour.drip_seconds)
                await response.write(frame)
        case fault:
            # never all of them: the last one would end the answer well
            await response.write(b"".join(frames[: min(behaviour.after_events, len(frames) - 1)]))
            await _fail(request, response, fault, error_frame)
    return response


async def _fail(
    request: web.Request, response: web.StreamResponse, how: Stream, error_frame: bytes
) -> None:
    match how:
        case Stream.ERROR:
            await response.write(error_frame)
        case Stream.CUT:
            _close(request)
        case Stream.HANGS:
            await asyncio.Event().wait()  # until the caller leaves
        case _:
            pass


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
