"""A measured process: `python -m benchmarks.process ROLE CONTENDER CONCURRENCY`.

It finds its address in BENCHMARK_ADDRESS (JSON), obeys commands from stdin, and ends with it, so
that nothing stays running whatever happens to the harness.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from itertools import count
from os import environ
from typing import Any, Final, TypeVar, cast

import msgspec
import psutil

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
from benchmarks.contender import Address, Agent, Contender, Orchestrator, Program, answer_to

__all__ = ["ADDRESS_VARIABLE"]

ADDRESS_VARIABLE: Final = "BENCHMARK_ADDRESS"

_MODULES: Final = {
    Contender.LLMBUS: "benchmarks.with_llmbus",
    Contender.LLMBUS_LOGGING: "benchmarks.with_llmbus",
    Contender.WITHOUT_CLAIMS: "benchmarks.without_claims",
    Contender.BY_HAND: "benchmarks.by_hand",
}
_Command = TypeVar("_Command")


class _OrchestratorProcess:
    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self._task_ids = (f"task-{number:06}" for number in count())
        self._submitted: list[object] = []

    async def obey(self, command: OrchestratorCommand) -> Seconds | Usage:
        match command:
            case Rush(tasks):
                return Seconds([await self._rush(tasks)])
            case RoundTrips(tasks):
                return Seconds([await self._round_trip() for _ in range(tasks)])
            case Submit(tasks):
                began = time.perf_counter()
                self._submitted.append(await self._orchestrator.submit_many(self._new(tasks)))
                return Seconds([time.perf_counter() - began])
            case ReportUsage():
                return _usage()

    async def _rush(self, tasks: int) -> float:
        task_ids = self._new(tasks)
        began = time.perf_counter()
        answers = await self._orchestrator.ask_many(task_ids)
        seconds = time.perf_counter() - began
        assert answers == [answer_to(task_id) for task_id in task_ids]
        return seconds

    async def _round_trip(self) -> float:
        [task_id] = self._new(1)
        began = time.perf_counter()
        answer = await self._orchestrator.ask(task_id)
        seconds = time.perf_counter() - began
        assert answer == answer_to(task_id)
        return seconds

    def _new(self, tasks: int) -> list[str]:
        return [next(self._task_ids) for _ in range(tasks)]


class _WorkerProcess:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def obey(self, command: WorkerCommand) -> Usage:
        match command:
            case Hold(tasks):
                self._agent.hold(tasks)
            case AllHeld():
                await self._agent.all_held()
            case ReportUsage():
                pass
        return _usage()


def _usage() -> Usage:
    return Usage(time.process_time(), psutil.Process().memory_info().rss)


async def _serve(role: str, contender: Contender, concurrency: int) -> None:
    program = cast(Program, import_module(_MODULES[contender]))
    address = msgspec.json.decode(environ[ADDRESS_VARIABLE], type=Address)
    if contender is Contender.LLMBUS_LOGGING:
        _write_a_log()
    if role == "orchestrator":
        async with program.orchestrator(address) as orchestrator:
            await _obey_all(OrchestratorCommand, _OrchestratorProcess(orchestrator).obey)
    else:
        agent = Agent()
        async with program.worker(address, concurrency, agent):
            await _obey_all(WorkerCommand, _WorkerProcess(agent).obey)


def _write_a_log() -> None:
    from llmbus.shared.logs import LogFormat, configure_logs

    configure_logs(LogFormat.JSON, logging.INFO)


async def _obey_all(commands: Any, obey: Callable[[_Command], Awaitable[Seconds | Usage]]) -> None:
    read = msgspec.json.Decoder[_Command](commands).decode
    _say(_usage())
    async for line in _lines_of_stdin():
        _say(await obey(read(line)))


def _say(answer: Seconds | Usage) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


async def _lines_of_stdin() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line


if __name__ == "__main__":
    _, _role, _contender, _concurrency = sys.argv
    asyncio.run(_serve(_role, Contender(_contender), int(_concurrency)))  # noqa: TID251
