"""The suite's end of the fork server: starts programs and hears of their end."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from tests.faults.fork_server import Start, Told
from tests.services.processes import BOUND_EXEC

__all__ = ["Launcher", "Running"]

_ROOT = Path(__file__).parents[2]


class Running:
    """A program that was started. Everything about it goes by its process id."""

    def __init__(self, name: str, output: Path) -> None:
        self.name = name
        self.output = output
        self.pid = 0
        self.code: int | None = None
        """How it ended; negative for a signal."""
        self.started = asyncio.Event()
        self.ended = asyncio.Event()

    def has_written(self, text: bytes) -> bool:
        """Whether that stands in its output."""
        return self.output.exists() and text in self.output.read_bytes()

    def send(self, number: int) -> None:
        """Nothing happens if it has ended."""
        if self.pid and not self.ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Launcher:
    """One fork server, as an async context manager. It may serve many runs."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._count = 0
        self._server: Process
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        environment = {
            name: value
            for name, value in os.environ.items()
            # The programs end by signals, which would leave half-written coverage files.
            if not name.startswith(("COV", "LLMBUS_", "OPENAI_", "ANTHROPIC_", "GOOGLE_"))
        }
        self._server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(BOUND_EXEC), str(os.getpid()), "0"),
            *(sys.executable, "-m", "tests.faults.fork_server"),
            cwd=_ROOT,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
        )
        self._reader = asyncio.create_task(self._hear(), name="fork server")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server.returncode is None:
            self._server.kill()
        await self._server.wait()
        await self._reader

    async def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: Path,
    ) -> Running:
        """Return when the process exists. `name` may be used again by a later run."""
        self._count += 1
        label = f"{name}#{self._count}"
        running = self._running[label] = Running(name, output)
        start = Start(label, module, list(arguments), dict(environment), str(output))
        if self._server.stdin is None:
            raise RuntimeError("the fork server is not open")
        self._server.stdin.write(msgspec.json.encode(start) + b"\n")
        await running.started.wait()
        return running

    async def _hear(self) -> None:
        output = self._server.stdout
        while output is not None and (line := await output.readline()):
            told = msgspec.json.decode(line, type=Told)
            running = self._running[told.name]
            running.pid = told.pid
            running.started.set()
            if told.code is not None:
                running.code = told.code
                running.ended.set()
                del self._running[told.name]
