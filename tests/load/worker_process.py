"""One worker process of the soak, as the soak holds it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.load.worker_program import Pulse
from tests.services.processes import BOUND_EXEC

__all__ = ["WorkerProcess", "started_worker"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_ANSWERS_WITHIN_SECONDS: Final = 60.0
_PROGRAM: Final = (sys.executable, "-m", "tests.load.worker_program")


class WorkerProcess:
    """Running, and ready to take tasks."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def pulse(self) -> Pulse:
        """`RuntimeError` if it has died."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await self.heard()

    async def heard(self) -> Pulse:
        """The next of its answers."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker process {self.pid} has died")
        return msgspec.json.decode(line, type=Pulse)


@asynccontextmanager
async def started_worker(settings: Mapping[str, str]) -> AsyncGenerator[WorkerProcess]:
    """Ends with this context, in order, and with this process if that is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), "0", *_PROGRAM),
        cwd=_ROOT,
        env=os.environ | settings,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        worker = WorkerProcess(process)
        await worker.heard()  # it is ready
        yield worker
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
