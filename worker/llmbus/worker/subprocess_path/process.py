"""One script as a process: fed, limited in time and output, and never outlived by its children."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Final, cast

__all__ = ["Cut", "ProcessEnd", "ProcessLimits", "run_process"]

_GUARD: Final = str(Path(__file__).with_name("guard.py"))
_CHUNK_BYTES: Final = 64 * 1024
_TIME_TO_END_SECONDS: Final = 10.0
"""For the guard to end the script once its lifeline is cut: it takes little more than a second."""


class Cut(Enum):
    """Why we ended a process."""

    TIME = auto()
    OUTPUT = auto()


@dataclass(frozen=True)
class ProcessLimits:
    """What a process may use."""

    time: timedelta
    output_bytes: int
    """Of stdout, and of stderr."""


@dataclass(frozen=True)
class ProcessEnd:
    """How a process ended. What it wrote is whole unless it was cut for its output."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None = None
    signal: int | None = None
    not_started: int | None = None
    """The errno, if it could not be started."""
    cut: Cut | None = None


async def run_process(
    argv: Sequence[str],
    stdin: bytes,
    *,
    environment: Mapping[str, str],
    folder: Path,
    limits: ProcessLimits,
) -> ProcessEnd:
    """Run it to its end. Whatever happens, cancellation included, it and all of its descendants are
    dead when this is over; if this process is killed, its guard ends them."""
    lifeline_end, lifeline = os.pipe()
    status, status_end = os.pipe()
    guarded = [sys.executable, "-I", "-S", _GUARD, str(lifeline_end), str(status_end), *argv]
    try:
        process = await asyncio.create_subprocess_exec(
            *guarded,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environment),
            cwd=folder,
            pass_fds=(lifeline_end, status_end),
            start_new_session=True,
        )
    except BaseException:
        os.close(lifeline)
        os.close(status)
        raise
    finally:
        os.close(lifeline_end)
        os.close(status_end)
    return await _Guarded(process, lifeline, status, limits).ended(stdin)


class _Guarded:
    def __init__(self, process: Process, lifeline: int, status: int, limits: ProcessLimits) -> None:
        self._process = process
        self._lifeline: int | None = lifeline
        self._status = status
        self._limits = limits
        self._cut: Cut | None = None

    async def ended(self, stdin: bytes) -> ProcessEnd:
        process = self._process
        reading = asyncio.gather(
            self._read(cast(StreamReader, process.stdout)),
            self._read(cast(StreamReader, process.stderr)),
            self._feed(cast(StreamWriter, process.stdin), stdin),
        )
        try:
            try:
                async with asyncio.timeout(self._limits.time.total_seconds()):
                    await asyncio.shield(reading)
            except TimeoutError:
                self._end(Cut.TIME)
            async with asyncio.timeout(_TIME_TO_END_SECONDS):
                stdout, stderr, _ = await reading
                await process.wait()
            return self._found(stdout, stderr)
        finally:
            await self._clean_up(reading)

    async def _read(self, stream: StreamReader) -> bytes:
        """What is written, up to the limit. Beyond it the rest is read and thrown away, so that
        the end of the process is seen."""
        kept = bytearray()
        while chunk := await stream.read(_CHUNK_BYTES):
            room = self._limits.output_bytes - len(kept)
            kept += chunk[:room]
            if len(chunk) > room:
                self._end(Cut.OUTPUT)
        return bytes(kept)

    async def _feed(self, stream: StreamWriter, stdin: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            stream.write(stdin)
            await stream.drain()
        stream.close()
        with suppress(BrokenPipeError, ConnectionResetError):
            await stream.wait_closed()

    def _end(self, cut: Cut) -> None:
        self._cut = self._cut or cut
        self._cut_lifeline()

    def _cut_lifeline(self) -> None:
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            os.close(lifeline)

    def _found(self, stdout: bytes, stderr: bytes) -> ProcessEnd:
        with os.fdopen(self._status, "rb", closefd=False) as status:
            line = status.read()
        told = json.loads(line) if line else {"signal": -(self._process.returncode or -9)}
        return ProcessEnd(
            stdout,
            stderr,
            exit_code=told.get("exit_code"),
            signal=told.get("signal"),
            not_started=told.get("not_started"),
            cut=self._cut,
        )

    async def _clean_up(self, reading: asyncio.Future[tuple[bytes, bytes, None]]) -> None:
        """Also when we were cancelled: the guard needs a moment to end what it guards."""
        self._cut_lifeline()
        try:
            if self._process.returncode is None:
                await asyncio.shield(self._guard_gone())
        finally:
            os.close(self._status)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _guard_gone(self) -> None:
        try:
            async with asyncio.timeout(_TIME_TO_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
