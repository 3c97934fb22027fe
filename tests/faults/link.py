"""A network between two programs that can fail in every way a network can."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import Enum
from typing import Final, Self

__all__ = ["Direction", "Link"]

_PIECE: Final = 65_536
_DRIPPED: Final = 256
_DRIP_SECONDS: Final = 0.005
_CLOSE_BY_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER


class Direction(Enum):
    """Which way bytes go."""

    THERE = "to the server"
    BACK = "to the client"


class Link:
    """Passes bytes between clients and one server on this machine until it is told otherwise.

    Nothing is ever dropped from a connection that lives on: what is held passes when the link is
    whole again, as TCP would do it.
    """

    def __init__(self, host: str, port: int) -> None:
        """Where the server is."""
        self._target = (host, port)
        self.port = 0
        """Where clients connect to, once it listens; the same for its whole life."""
        self._server: asyncio.Server | None = None
        self._open = {direction: asyncio.Event() for direction in Direction}
        self._delay_seconds = 0.0
        self._piece = _PIECE
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.heal_wires()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.heal_wires()
        await self.refuse()

    def heal_wires(self) -> None:
        """Pass everything on at once, also what was held."""
        self._delay_seconds = 0.0
        self._piece = _PIECE
        for passing in self._open.values():
            passing.set()

    def hold(self, *directions: Direction) -> None:
        """Pass nothing on and say nothing: a cable that was pulled. One direction alone makes a
        half-open connection."""
        for direction in directions or tuple(Direction):
            self._open[direction].clear()

    def delay(self, seconds: float) -> None:
        """Every piece of data takes so much longer."""
        self._delay_seconds = seconds

    def drip(self) -> None:
        """Data passes in small pieces with pauses."""
        self._piece = _DRIPPED
        self._delay_seconds = _DRIP_SECONDS

    async def listen(self) -> None:
        """Take connections, on the same port every time."""
        if self._server is None:
            self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def reset(self) -> None:
        """Break all connections by RST. New ones are taken."""
        for writer in tuple(self._writers):
            opened: socket.socket | None = writer.get_extra_info("socket")
            if opened is not None:
                with suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_BY_RESET)
            writer.transport.abort()

    async def refuse(self) -> None:
        """Break all connections and take no new ones: nobody is there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        if this is None or self._server is None:
            writer.transport.abort()
            return
        self._tasks.add(this)
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        finally:
            self._tasks.discard(this)
        for source, sink, direction in (
            (reader, back, Direction.THERE),
            (there, writer, Direction.BACK),
        ):
            self._writers.add(sink)
            pipe = asyncio.create_task(self._pass_on(source, sink, direction))
            self._tasks.add(pipe)
            pipe.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: Direction
    ) -> None:
        try:
            while data := await source.read(self._piece):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._open[direction].wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()
            self._writers.discard(sink)
