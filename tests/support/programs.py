"""The real `llmbus` program in tests: started, watched through its log, signalled, always ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from tests.services.processes import BOUND_EXEC

__all__ = ["PATIENCE_SECONDS", "Program", "Programs"]

LLMBUS = Path(sys.executable).with_name("llmbus")
PATIENCE_SECONDS = 40.0
"""For what takes a second or two on an idle machine."""

_FOREIGN = ("LLMBUS_", "OPENAI_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


class Program:
    """One running program. What it writes is read at once and kept."""

    def __init__(self, label: str, process: asyncio.subprocess.Process) -> None:
        self._label = label
        self._process = process
        self._out = bytearray()
        self._err = bytearray()
        self._news = asyncio.Event()
        streams = ((process.stdout, self._out), (process.stderr, self._err))
        self._readers = [
            asyncio.create_task(self._keep(stream, kept), name=f"output of {label}")
            for stream, kept in streams
            if stream is not None
        ]

    def __repr__(self) -> str:
        return f"--- {self._label}, stdout:\n{self.out}--- stderr:\n{self.err}---"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> str:
        return self._out.decode(errors="replace")

    @property
    def err(self) -> str:
        return self._err.decode(errors="replace")

    @property
    def spoken(self) -> list[str]:
        """The lines on stderr that are not log lines."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log lines, oldest first."""
        whole_lines = self.err[: self.err.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole_lines if line.startswith("{")]

    def logged(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The log lines of that event in which these fields have these values."""
        return [
            line
            for line in self.log
            if line["event"] == event and all(line.get(name) == fields[name] for name in fields)
        ]

    async def until_logged(
        self, event: str, count: int = 1, seconds: float = PATIENCE_SECONDS, **fields: Any
    ) -> list[dict[str, Any]]:
        """The lines of `logged`, once there are `count` of them."""
        await self._until(
            lambda: len(self.logged(event, **fields)) >= count,
            f"{count} times {event} {fields or ''} in the log",
            seconds,
        )
        return self.logged(event, **fields)

    async def until_printed(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when that text is on stdout."""
        await self._until(lambda: text in self.out, f"{text!r} on stdout", seconds)

    def send(self, signal_number: int) -> None:
        """`ProcessLookupError` if it has ended."""
        # Not the library's own way: that may collect the exit code, which asyncio then never sees.
        os.kill(self.pid, signal_number)

    async def exit_code(self, seconds: float = PATIENCE_SECONDS) -> int:
        """How it ended, once it has; negative for a signal."""
        try:
            async with asyncio.timeout(seconds):
                code = await self._process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            pytest.fail(f"not within {seconds:g} s: its end\n{self!r}")
        return code

    async def end(self) -> None:
        """Kill it if it still runs."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self.send(signal.SIGKILL)
        await self._process.wait()
        await asyncio.gather(*self._readers)

    async def _until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    if all(reader.done() for reader in self._readers):
                        pytest.fail(f"it ended without {what}\n{self!r}")
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"not within {seconds:g} s: {what}\n{self!r}")

    async def _keep(self, stream: asyncio.StreamReader, kept: bytearray) -> None:
        while data := await stream.read(65_536):
            kept += data
            self._news.set()
        asyncio.get_running_loop().call_soon(self._news.set)  # by then this reader is done


class Programs:
    """Starts programs with one environment, and ends all of them with the test.

    They also end when the test runner itself is killed.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)
        }
        self.environment = inherited | environment
        self._started: list[Program] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for program in self._started:
            await program.end()
            print(repr(program))  # pytest shows it if the test failed

    async def llmbus(self, *arguments: str | Path, **settings: str) -> Program:
        """Start the installed command with these settings on top of the environment."""
        return await self.start(arguments, settings)

    async def start(
        self,
        arguments: Sequence[str | Path],
        settings: Mapping[str, str] | None = None,
        *,
        terminal: int | None = None,
        folder: Path | None = None,
    ) -> Program:
        """As `llmbus`. `terminal` is a file that takes the place of the pipes."""
        bound = (sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), "0")
        stream = asyncio.subprocess.PIPE if terminal is None else terminal
        process = await asyncio.create_subprocess_exec(
            *bound,
            LLMBUS,
            *arguments,
            env=self.environment | dict(settings or {}),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL if terminal is None else terminal,
            stdout=stream,
            stderr=stream,
        )
        program = Program(" ".join(["llmbus", *map(str, arguments)]), process)
        self._started.append(program)
        return program
