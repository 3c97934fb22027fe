"""The suite's end of the programs' lines: every report into the history, every stop to a judge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from tests.faults.gate_client import ORDER, Report
from tests.faults.history import History
from tests.faults.steps import Step

__all__ = ["Gatekeeper", "Reached"]


@dataclass(frozen=True)
class Reached:
    """Somebody stands at a step and waits."""

    step: Step
    who: str
    task: str
    attempt: int
    process: int = 0
    """Of a script: its process id."""


OnReached = Callable[[Reached], Awaitable[None]]
"""When it returns, whoever stands there goes on."""


class Gatekeeper:
    """Listens on a Unix socket for the programs of one run."""

    def __init__(self, path: Path, history: History, on_reached: OnReached) -> None:
        self.path = path
        self._history = history
        self._on_reached = on_reached
        self._waiting: set[asyncio.Task[None]] = set()
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: dict[asyncio.StreamWriter, str] = {}
        """Whose lines they are."""
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._hear, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, *self._lines, return_exceptions=True)

    def order(self, who: str, what: str) -> None:
        """Have that program do something. Nothing happens if it has ended."""
        for writer, name in self._writers.items():
            if name == who and not writer.is_closing():
                writer.write(ORDER + what.encode() + b"\n")

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        self._writers[writer] = ""
        if this is not None:
            self._lines.add(this)
        try:
            who = self._writers[writer] = (await reader.readline()).decode().strip()
            while line := await reader.readline():
                self._take(who, msgspec.json.decode(line, type=Report), writer)
        except OSError:
            pass  # the program was killed
        finally:
            writer.close()
            del self._writers[writer]
            if this is not None:
                self._lines.discard(this)

    def _take(self, who: str, report: Report, writer: asyncio.StreamWriter) -> None:
        self._history.record(
            report.fact,
            who,
            report.task,
            attempt=report.attempt,
            number=report.number,
            delivery=report.delivery,
            digest=report.digest,
            note=report.note,
        )
        if report.step is None:
            return
        reached = Reached(report.step, who, report.task, report.attempt, report.number)
        task = asyncio.create_task(self._let_go(reached, report.stop, writer))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _let_go(self, reached: Reached, stop: int, writer: asyncio.StreamWriter) -> None:
        try:
            await self._on_reached(reached)
        finally:
            if not writer.is_closing():
                writer.write(f"{stop}\n".encode())
