"""A stopwatch beside a `TaskExecutor`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import count

import msgspec

from benchmarks.executor_tasks import ExecutionPath, Prompt, prompt_text, task
from benchmarks.llm_contenders import Ask
from llmbus.shared.result import ExecutionResult, ExecutionStatus
from llmbus.shared.task import AgentTask
from llmbus.worker.task_executor import TaskExecutor

__all__ = ["Bench", "Crowd", "Round"]


class Round(msgspec.Struct, frozen=True):
    """Of one path, in seconds."""

    alone: dict[Prompt, float]
    """One task of each kind, one after the other."""
    together: float
    """The same tasks side by side."""


class Crowd(msgspec.Struct, frozen=True):
    """Many tasks at once on the direct path, in seconds."""

    one: float
    """A single one, just before."""
    all: float
    cpu: float
    """Of this process, for all of them."""
    bare: float
    """As many calls at once through the bare SDK: what this machine makes of them now."""


class Bench:
    """Times the tasks of one process."""

    def __init__(self, executor: TaskExecutor) -> None:
        self._executor = executor
        self._numbers = count()

    async def round(self, path: ExecutionPath) -> Round:
        """Each kind of task alone, then all of them at once."""
        alone = {prompt: await self.alone(path, prompt) for prompt in Prompt}
        together = await self._together([self._task(path, prompt) for prompt in Prompt])
        return Round(alone, together)

    async def alone(
        self, path: ExecutionPath, prompt: Prompt = Prompt.MEDIUM, latency: float | None = None
    ) -> float:
        """The seconds of one task."""
        wanted = self._task(path, prompt, latency)
        began = time.perf_counter()
        result = await self._executor.execute(wanted)
        seconds = time.perf_counter() - began
        _require_success(wanted, result)
        return seconds

    async def crowd(self, tasks: int, latency: float, bare_sdk: Ask) -> Crowd:
        """One task, then many at once, then as many calls of the bare SDK."""
        one = await self.alone(ExecutionPath.DIRECT, latency=latency)
        asked = [self._task(ExecutionPath.DIRECT, Prompt.MEDIUM, latency) for _ in range(tasks)]
        cpu = time.process_time()
        together = await self._together(asked)
        cpu = time.process_time() - cpu
        text = prompt_text(Prompt.MEDIUM, latency)
        began = time.perf_counter()
        await asyncio.gather(*(bare_sdk(text) for _ in range(tasks)))
        return Crowd(one, together, cpu, time.perf_counter() - began)

    async def _together(self, tasks: Sequence[AgentTask]) -> float:
        began = time.perf_counter()
        results = await self._executor.execute_parallel(
            [(each, None) for each in tasks], max_concurrent=len(tasks)
        )
        seconds = time.perf_counter() - began
        for each, result in zip(tasks, results, strict=True):
            _require_success(each, result)
        return seconds

    def _task(self, path: ExecutionPath, prompt: Prompt, latency: float | None = None) -> AgentTask:
        return task(next(self._numbers), path, prompt, latency)


def _require_success(asked: AgentTask, result: ExecutionResult) -> None:
    """A path that fails fast, or quietly takes the other way, must not win."""
    direct = asked.metadata["use_direct_llm"]
    wanted = ExecutionPath.DIRECT if direct else ExecutionPath.SUBPROCESS
    taken = result.metadata.get("execution_mode")
    if result.status is not ExecutionStatus.SUCCESS or taken != wanted:
        sys.exit(f"{wanted} was asked for; {taken} ended with {result.status}: {result.error}")
