"""What the small providers on loopback have in common: a port, a script, and what was sent."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from aiohttp import web

__all__ = ["LoopbackServer", "Received"]

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class LoopbackServer(ABC, Generic[_Answer]):
    """Answers by the scripted answers in order, then by `default` for ever."""

    path: str
    """Where it is asked, as aiohttp writes it."""

    def __init__(self, default: _Answer) -> None:
        self.default = default
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        """Set when a request has been read."""
        self.hung_up = asyncio.Event()
        """Set when a client left before its answer."""
        self._script: deque[_Answer] = deque()
        self._runner: web.AppRunner
        self._port = 0

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def script(self, *answers: _Answer) -> None:
        """Answer the next requests like this, one each."""
        self._script.extend(answers)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post(self.path, self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1_024)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.received.append(Received(request.path_qs, dict(request.headers), body))
        answer = self._script.popleft() if self._script else self.default
        self.arrived.set()
        try:
            return await self._respond(answer, request)
        except asyncio.CancelledError:
            self.hung_up.set()
            raise

    @abstractmethod
    async def _respond(self, answer: _Answer, request: web.Request) -> web.StreamResponse:
        """Send this answer, or what stands for it."""
