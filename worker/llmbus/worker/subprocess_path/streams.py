"""What goes into a script and what comes out of it, within bounds."""

from __future__ import annotations

import asyncio
from typing import Final, cast

__all__ = ["ScriptStreams"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class ScriptStreams(asyncio.SubprocessProtocol):
    """The pipes of one process. Keeps up to `limit` bytes of stdout and of stderr each; of whoever
    writes more nothing is read any longer."""

    def __init__(self, limit: int) -> None:
        loop = asyncio.get_running_loop()
        self._limit: Final = limit
        self._kept: Final = {_STDOUT: bytearray(), _STDERR: bytearray()}
        self._open: Final = {_STDOUT, _STDERR}
        self._transport: asyncio.SubprocessTransport | None = None
        self.flooded: Final[asyncio.Future[None]] = loop.create_future()
        """Done when it has written more than the limit."""
        self.exited: Final[asyncio.Future[None]] = loop.create_future()
        """Done when the process has ended."""
        self.read_out: Final[asyncio.Future[None]] = loop.create_future()
        """Done when nothing more will be read."""
        self.closed: Final[asyncio.Future[None]] = loop.create_future()
        """Done when the process has ended and all pipes are closed."""

    @property
    def stdout(self) -> bytes:
        """What was read of it so far."""
        return bytes(self._kept[_STDOUT])

    @property
    def stderr(self) -> bytes:
        """What was read of it so far."""
        return bytes(self._kept[_STDERR])

    def feed(self, stdin: bytes) -> None:
        """Write this, as fast as it is read, and close. Whoever does not read it, need not."""
        transport = self._input()
        transport.write(stdin)
        transport.write_eof()

    def drop_input(self) -> None:
        """Forget what has not been read."""
        transport = self._input()
        if transport.get_write_buffer_size():  # else it is closed, or about to be
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kept = self._kept[fd]
        room = self._limit - len(kept)
        kept += data[:room]
        if len(data) > room:
            self._stop_reading(fd)
            _set(self.flooded)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._stopped_reading(fd)

    def process_exited(self) -> None:
        _set(self.exited)

    def connection_lost(self, exc: Exception | None) -> None:
        _set(self.closed)

    def _stop_reading(self, fd: int) -> None:
        pipe = self._pipe(fd)
        cast(asyncio.ReadTransport, pipe).pause_reading()
        self._stopped_reading(fd)

    def _stopped_reading(self, fd: int) -> None:
        self._open.discard(fd)
        if not self._open:
            _set(self.read_out)

    def _input(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._pipe(_STDIN))

    def _pipe(self, fd: int) -> asyncio.BaseTransport | None:
        assert self._transport is not None  # noqa: S101  asyncio connects before anything else
        return self._transport.get_pipe_transport(fd)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
