"""One script as a process: fed, limited in time and output, and never outlived by its children."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from io import FileIO
from pathlib import Path
from typing import Final

from llmbus.worker.subprocess_path.streams import ScriptStreams

__all__ = ["Cut", "ProcessEnd", "ProcessLimits", "run_process"]

_GUARD: Final = str(Path(__file__).with_name("guard.py"))
_TIME_TO_END_SECONDS: Final = 10.0
"""For the guard to end the script once its lifeline is cut: it takes little more than a second,
and seven at most."""
_TIME_TO_DRAIN_SECONDS: Final = 1.0
"""For what was written before the end; a process that we could not find may hold the pipe."""


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

    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None
    signal: int | None = None
    not_started: int | None = None
    """The errno, if it could not be started."""
    unguarded: str | None = None
    """Why there was no guard to start it."""
    guard_code: int | None = None
    """How a guard ended that did not tell how the script did; negative for a signal."""
    left_behind: int = 0
    """How many living descendants it left when it ended by itself; they were ended."""
    cut: Cut | None = None


async def run_process(
    argv: Sequence[str],
    stdin: bytes,
    *,
    environment: Mapping[str, str],
    folder: Path,
    limits: ProcessLimits,
) -> ProcessEnd:
    """Run it to its end. Whatever happens, cancellations included, it and all of its descendants
    are dead when this is over; if this process is killed, its guard ends them."""
    with _pipe() as (lifeline_end, lifeline), _pipe() as (status, status_end):
        ends = (lifeline_end.fileno(), status_end.fileno())
        guarded = [sys.executable, "-I", "-S", _GUARD, *map(str, ends), *argv]
        try:
            transport, streams = await asyncio.get_running_loop().subprocess_exec(
                lambda: ScriptStreams(limits.output_bytes),
                *guarded,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=dict(environment),
                cwd=folder,
                pass_fds=ends,
                start_new_session=True,
            )
        except OSError as error:
            return ProcessEnd(unguarded=str(error))
        status_end.close()
        cut = None
        try:
            streams.feed(stdin)
            cut = await _reason_to_end(streams, limits.time)
        finally:
            lifeline.close()
            await _ended(transport, streams)
        told = _told(status)
        if cut is Cut.TIME and told.get("by_itself"):
            cut = None  # its guard knows it in time, when we were frozen, or it left much behind
        return _found(streams, told, transport.get_returncode(), cut)


async def _reason_to_end(streams: ScriptStreams, time: timedelta) -> Cut | None:
    """None if it ended by itself."""
    await asyncio.wait(
        {streams.exited, streams.flooded},
        timeout=time.total_seconds(),
        return_when=asyncio.FIRST_COMPLETED,
    )
    if streams.flooded.done():
        return Cut.OUTPUT
    return None if streams.exited.done() else Cut.TIME


async def _ended(transport: asyncio.SubprocessTransport, streams: ScriptStreams) -> None:
    """Until nothing is left of the guard, of what it guards, and of our ends of the pipes. It takes
    the same time for whoever is cancelled meanwhile."""
    cancelled = await _outlast(streams.exited, _TIME_TO_END_SECONDS)
    if not streams.exited.done():
        transport.kill()  # the kernel ends the script of a guard that is killed
        cancelled |= await _outlast(streams.exited, None)
    cancelled |= await _outlast(streams.read_out, _TIME_TO_DRAIN_SECONDS)
    streams.drop_input()
    transport.close()
    cancelled |= await _outlast(streams.closed, None)
    if cancelled:
        raise asyncio.CancelledError


async def _outlast(done: asyncio.Future[None], seconds: float | None) -> bool:
    """Wait, whoever cancels us meanwhile, and say whether somebody did."""
    loop = asyncio.get_running_loop()
    until = None if seconds is None else loop.time() + seconds
    cancelled = False
    while not done.done() and (until is None or loop.time() < until):
        try:
            await asyncio.wait({done}, timeout=None if until is None else until - loop.time())
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


def _told(status: FileIO) -> dict[str, int]:
    """What the guard said. It is gone, so this does not wait."""
    line = status.read()
    told: dict[str, int] = json.loads(line) if line else {}
    return told


def _found(
    streams: ScriptStreams, told: Mapping[str, int], guard_code: int | None, cut: Cut | None
) -> ProcessEnd:
    return ProcessEnd(
        streams.stdout,
        streams.stderr,
        exit_code=told.get("exit_code"),
        signal=told.get("signal"),
        not_started=told.get("not_started"),
        guard_code=None if told else guard_code,
        left_behind=told.get("left_behind", 0),
        cut=cut,
    )


@contextmanager
def _pipe() -> Generator[tuple[FileIO, FileIO]]:
    """Where to read and where to write; either may be closed earlier."""
    reader, writer = os.pipe()
    with FileIO(reader, "r") as readable, FileIO(writer, "w") as writable:
        yield readable, writable
