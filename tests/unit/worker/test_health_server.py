"""Probes over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from llmbus.shared.bus.memory import MemoryBroker, MemoryBus
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.topology import Layout
from llmbus.worker.health import Health
from llmbus.worker.health_server import HealthServer
from llmbus.worker.intake import Intake
from llmbus.worker.loop_lag import LoopLag
from llmbus.worker.watchdog import Watchdog

HOST = "127.0.0.1"


@pytest.fixture
async def health() -> AsyncIterator[Health]:
    async with MemoryBus(MemoryBroker()) as bus:
        intake = Intake(bus, [], lambda lane, delivery: None)
        watchdog = Watchdog(bus, Layout().for_tasks([]), intake, lambda queue: True)
        yield Health(bus, LoopLag(), [watchdog], timedelta(seconds=5))


@pytest.fixture
async def server(health: Health) -> AsyncIterator[HealthServer]:
    async with HealthServer(health, "w1", HOST, 0) as server:
        yield server


async def answer(server: HealthServer, request: bytes) -> bytes:
    """All that comes until the server closes."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(request)
    async with asyncio.timeout(20):
        received = await reader.read()
    writer.close()
    return received


async def get(server: HealthServer, path: str) -> tuple[int, dict[str, Any]]:
    received = await answer(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    return int(head.split()[1]), json.loads(body)


async def test_a_worker_that_starts_lives_and_is_not_ready(server: HealthServer) -> None:
    assert await get(server, "/healthz") == (200, {"worker_id": "w1", "live": True, "reasons": []})
    assert await get(server, "/livez") == await get(server, "/healthz")
    expected = {"worker_id": "w1", "ready": False, "reasons": ["starting"]}
    assert await get(server, "/readyz") == (503, expected)


async def test_a_worker_that_serves_is_ready_until_it_drains(
    server: HealthServer, health: Health
) -> None:
    health.begin_serving()
    expected: dict[str, object] = {"worker_id": "w1", "ready": True, "reasons": []}
    assert await get(server, "/readyz?verbose") == (200, expected)
    health.begin_draining()
    expected = {"worker_id": "w1", "ready": False, "reasons": ["draining"]}
    assert await get(server, "/readyz") == (503, expected)
    assert (await get(server, "/healthz"))[0] == 200


async def test_a_worker_told_to_stop_while_it_starts_is_never_ready(health: Health) -> None:
    health.begin_draining()
    health.begin_serving()
    assert health.not_ready == ("draining",)


async def test_a_head_request_gets_no_body(server: HealthServer) -> None:
    received = await answer(server, b"HEAD /readyz HTTP/1.1\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 503 ")
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", HTTPStatus.NOT_FOUND),
        (b"POST /readyz HTTP/1.1\r\n\r\n", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"GET /readyz\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"\x16\x03\x01 not http\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /readyz HTTP/1.1\r\n" + b"X: y\r\n" * 4_000, 431),
    ],
)
async def test_what_is_no_probe_is_refused(
    server: HealthServer, request_bytes: bytes, status: int
) -> None:
    received = await answer(server, request_bytes)
    assert received.startswith(f"HTTP/1.1 {int(status)} ".encode())


async def test_who_says_nothing_is_cut_off(server: HealthServer) -> None:
    reader, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(b"GET /readyz HT")
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_who_leaves_in_the_middle_harms_nobody(server: HealthServer) -> None:
    _, writer = await asyncio.open_connection(HOST, server.port)
    writer.write(b"GET /rea")
    writer.transport.abort()
    assert (await get(server, "/healthz"))[0] == 200


async def test_a_port_that_is_taken_is_a_wrong_setting(
    server: HealthServer, health: Health
) -> None:
    with pytest.raises(ConfigurationError, match="LLMBUS_HEALTH_PORT"):
        async with HealthServer(health, "w2", HOST, server.port):
            pass
