"""Answers probes over HTTP. Not a web framework: the workers' base install has none, and a probe
needs one line of a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import msgspec

from llmbus.shared.errors import ConfigurationError
from llmbus.worker.health import Health, Problem

__all__ = ["HealthServer"]

_LONGEST_REQUEST_BYTES: Final = 8_192
_TIME_FOR_A_REQUEST_SECONDS: Final = 5.0


class HealthServer:
    """`/healthz` and `/livez` tell whether the worker lives, `/readyz` whether it takes work: 200
    or 503, with the reasons as JSON. An async context manager."""

    def __init__(self, health: Health, worker_id: str, host: str, port: int) -> None:
        self._health = health
        self._worker_id = worker_id
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HealthServer:
        """Listen. `ConfigurationError` if that cannot be."""
        try:
            self._server = await asyncio.start_server(
                self._connected, self._host, self._port, limit=_LONGEST_REQUEST_BYTES
            )
        except OSError as error:
            raise ConfigurationError(
                f"LLMBUS_HEALTH_HOST, LLMBUS_HEALTH_PORT: cannot listen on {self._host} port"
                f" {self._port}: {error.strerror or error}"
            ) from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens; the system chooses one for port 0."""
        return self._port

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="health probe")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIME_FOR_A_REQUEST_SECONDS):
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    writer.write(await self._answer(reader))
                    await writer.drain()
        except TimeoutError:
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {})
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, {})
        method, target, _ = words
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, {}, b"Allow: GET, HEAD\r\n")
        status, body = self._find(target.partition(b"?")[0])
        return _response(status, body, with_body=method == b"GET")

    def _find(self, path: bytes) -> tuple[HTTPStatus, dict[str, object]]:
        if path in (b"/healthz", b"/livez"):
            return self._verdict("live", self._health.not_live)
        if path == b"/readyz":
            return self._verdict("ready", self._health.not_ready)
        return HTTPStatus.NOT_FOUND, {}

    def _verdict(
        self, name: str, problems: Sequence[Problem]
    ) -> tuple[HTTPStatus, dict[str, object]]:
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        return status, {"worker_id": self._worker_id, name: not problems, "reasons": problems}


def _response(
    status: HTTPStatus, body: dict[str, object], headers: bytes = b"", *, with_body: bool = True
) -> bytes:
    content = msgspec.json.encode(body or {"error": status.phrase})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\nConnection: close\r\n"
    )
    return head.encode() + headers + b"\r\n" + (content if with_body else b"")
