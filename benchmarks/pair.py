"""A worker process and an orchestrator process of one contender, on queues of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from benchmarks.commands import (
    AllHeld,
    Hold,
    OrchestratorCommand,
    ReportUsage,
    RoundTrips,
    Rush,
    Seconds,
    Submit,
    Usage,
    WorkerCommand,
)
from benchmarks.contender import Address, Contender
from benchmarks.process import ADDRESS_VARIABLE

__all__ = ["Pair", "RushCost", "started_pair"]

_ANSWERS_WITHIN_SECONDS: Final = 60.0
_WARM_UP_TASKS: Final = 50
_ROOT: Final = Path(__file__).resolve().parent.parent

_Answer = TypeVar("_Answer", Seconds, Usage)


@dataclass(frozen=True)
class RushCost:
    """What one rush took."""

    tasks_per_second: float
    worker_cpu_ms_per_task: float
    orchestrator_cpu_ms_per_task: float


class Pair:
    """Both processes of one contender, started and warmed up."""

    def __init__(self, contender: Contender, worker: Process, orchestrator: Process) -> None:
        self.contender = contender
        self._worker = worker
        self._orchestrator = orchestrator

    async def rush(self, tasks: int) -> RushCost:
        """All at once, with what it costs."""
        before = await self._usages()
        [seconds] = (await _told(self._orchestrator, Rush(tasks), Seconds)).each
        worker_ms, orchestrator_ms = (
            (after.cpu_seconds - earlier.cpu_seconds) * 1_000 / tasks
            for earlier, after in zip(before, await self._usages(), strict=True)
        )
        return RushCost(tasks / seconds, worker_ms, orchestrator_ms)

    async def round_trips(self, tasks: int) -> list[float]:
        """The milliseconds of each, sorted."""
        answer = await _told(self._orchestrator, RoundTrips(tasks), Seconds)
        return sorted(seconds * 1_000 for seconds in answer.each)

    async def kilobytes_in_flight(self, tasks: int) -> tuple[float, float]:
        """By how much one task in flight makes the worker and the orchestrator grow. Needs a
        worker with that concurrency; afterwards the pair is of no further use."""
        await _told(self._worker, Hold(tasks), Usage)
        before = await self._usages()
        await _told(self._orchestrator, Submit(tasks), Seconds)
        await _told(self._worker, AllHeld(), Usage)
        worker, orchestrator = (
            (after.resident_bytes - earlier.resident_bytes) / 1_024 / tasks
            for earlier, after in zip(before, await self._usages(), strict=True)
        )
        return worker, orchestrator

    async def _usages(self) -> tuple[Usage, Usage]:
        return (
            await _told(self._worker, ReportUsage(), Usage),
            await _told(self._orchestrator, ReportUsage(), Usage),
        )


@asynccontextmanager
async def started_pair(
    contender: Contender, address: Address, concurrency: int
) -> AsyncGenerator[Pair]:
    """Both processes, ended on leaving."""
    async with AsyncExitStack() as processes:
        worker, orchestrator = [
            await processes.enter_async_context(_started(role, contender, address, concurrency))
            for role in ("worker", "orchestrator")
        ]
        for process in (worker, orchestrator):
            await _heard(process, Usage)  # it is ready
        pair = Pair(contender, worker, orchestrator)
        await pair.rush(_WARM_UP_TASKS)
        yield pair


@asynccontextmanager
async def _started(
    role: str, contender: Contender, address: Address, concurrency: int
) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.process", role, contender.value, str(concurrency)),
        cwd=_ROOT,
        env=os.environ | {ADDRESS_VARIABLE: msgspec.json.encode(address).decode()},
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL if contender is Contender.LLMBUS_LOGGING else None,
    )
    try:
        yield process
    finally:
        # Not by closing its stdin: a worker that holds a thousand tasks would return each.
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _told(
    process: Process, command: OrchestratorCommand | WorkerCommand, kind: type[_Answer]
) -> _Answer:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(command) + b"\n")
    return await _heard(process, kind)


async def _heard(process: Process, kind: type[_Answer]) -> _Answer:
    assert process.stdout is not None
    async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
        line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a measured process has died; its last words are above")
    return msgspec.json.decode(line, type=kind)
