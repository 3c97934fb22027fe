"""A network between store and Redis that counts round trips and can lose an answer."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Wire:
    """Passes bytes on."""

    def __init__(self, redis_url: str) -> None:
        self._target = urlsplit(redis_url)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._loses_next_answer = False
        self._asked_last = False
        self.round_trips = 0
        """How often somebody asked after an answer: what is sent in one go counts once."""

    @property
    def url(self) -> str:
        assert self._server is not None
        login = self._target.netloc.rpartition("@")[0]
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(self._target._replace(netloc=f"{login}@127.0.0.1:{port}"))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for pipe in tuple(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def lose_next_answer(self) -> None:
        """Break the connection when Redis has done what it was asked, before it says so."""
        self._loses_next_answer = True

    async def _connect(self, client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        for pipe in (self._ask(client, back), self._answer(server, writer)):
            task = asyncio.create_task(pipe)
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        try:
            while data := await client.read(65_536):
                self.round_trips += not self._asked_last
                self._asked_last = True
                server.write(data)
        except ConnectionError:
            pass
        finally:
            server.close()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            while data := await server.read(65_536):
                self._asked_last = False
                if self._loses_next_answer:
                    self._loses_next_answer = False
                    client.transport.abort()
                    break
                client.write(data)
        except ConnectionError:
            pass
        finally:
            client.close()
