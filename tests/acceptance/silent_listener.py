"""A port that takes connections and never says a word."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.support.programs import PATIENCE_SECONDS


class SilentListener:
    """Somebody who connects waits, and the test knows that it does."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._over = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._stay_silent, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def until_asked(self) -> None:
        """Return when somebody has connected."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._asked.wait()

    async def _stay_silent(
        self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._asked.set()
        await self._over.wait()
        writer.transport.abort()
