"""A measured process: `python -m benchmarks.executor_process PLAN`, the plan as JSON.

It finds the providers by the environment, prints one JSON line, and ends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec

from benchmarks.executor_tasks import AGENT, Path, Prompt, task
from llmbus.shared.agents import AgentInterface, AgentType
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask
from llmbus.worker.direct_path import DirectPathSettings
from llmbus.worker.task_executor import TaskExecutor

__all__ = ["Crowd", "FirstCall", "Round", "Rounds", "RoundsPlan"]


class RoundsPlan(msgspec.Struct, tag=True, frozen=True):
    """Both paths in turn, in one process. Answered by `Rounds`."""

    agent_type: AgentType
    rounds: int
    crowd: int
    """Tasks at once on the direct path."""
    crowd_latency_seconds: float
    """After which the providers answer each of them."""


class FirstCall(msgspec.Struct, tag=True, frozen=True):
    """The first task of this process on that path. Answered by its seconds."""

    agent_type: AgentType
    path: Path


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


class Rounds(msgspec.Struct, frozen=True):
    """What was measured; the first round of everything is not kept."""

    paths: dict[Path, list[Round]]
    crowds: list[Crowd]


class Bench:
    """A `TaskExecutor` and a stopwatch."""

    def __init__(self, executor: TaskExecutor) -> None:
        self._executor = executor
        self._numbers = count()

    async def round(self, path: Path) -> Round:
        """Each kind of task alone, then all of them at once."""
        alone = {prompt: await self.alone(path, prompt) for prompt in Prompt}
        return Round(alone, await self._together([self._task(path, prompt) for prompt in Prompt]))

    async def alone(
        self, path: Path, prompt: Prompt = Prompt.MEDIUM, latency: float | None = None
    ) -> float:
        """The seconds of one task."""
        wanted = self._task(path, prompt, latency)
        began = time.perf_counter()
        result = await self._executor.execute(wanted)
        seconds = time.perf_counter() - began
        _require_success(wanted, result)
        return seconds

    async def crowd(self, plan: RoundsPlan) -> Crowd:
        """One task, then many at once."""
        latency = plan.crowd_latency_seconds
        one = await self.alone(Path.DIRECT, latency=latency)
        tasks = [self._task(Path.DIRECT, Prompt.MEDIUM, latency) for _ in range(plan.crowd)]
        cpu = time.process_time()
        together = await self._together(tasks)
        return Crowd(one, together, time.process_time() - cpu)

    async def _together(self, tasks: Sequence[AgentTask]) -> float:
        began = time.perf_counter()
        results = await self._executor.execute_parallel(
            [(each, None) for each in tasks], max_concurrent=len(tasks)
        )
        seconds = time.perf_counter() - began
        for each, result in zip(tasks, results, strict=True):
            _require_success(each, result)
        return seconds

    def _task(self, path: Path, prompt: Prompt, latency: float | None = None) -> AgentTask:
        return task(next(self._numbers), path, prompt, latency)


def _require_success(asked: AgentTask, result: ExecutionResult) -> None:
    """A path that fails fast, or quietly takes the other way, must not win."""
    wanted = Path.DIRECT if asked.metadata["use_direct_llm"] else Path.SUBPROCESS
    if result.status != "success" or result.metadata["execution_mode"] != wanted:
        sys.exit(f"the {wanted} path did not answer: {result.status} {result.error}")


async def measure(plan: RoundsPlan | FirstCall) -> Rounds | float:
    """What the plan asks for."""
    registry = AgentRegistry()
    registry.register_agent(AGENT, plan.agent_type, AgentInterface.API)
    both_paths = DirectPathSettings(use_direct_llm=True)
    async with TaskExecutor(registry, settings=both_paths) as executor:
        bench = Bench(executor)
        if isinstance(plan, FirstCall):
            return await bench.alone(plan.path)
        return await _rounds(bench, plan)


async def _rounds(bench: Bench, plan: RoundsPlan) -> Rounds:
    """Every other round backwards, so that no path always comes first."""
    for path in Path:
        await bench.alone(path)
    await bench.crowd(plan)
    rounds: dict[Path, list[Round]] = {path: [] for path in Path}
    crowds: list[Crowd] = []
    for turn in range(plan.rounds):
        for path in tuple(Path)[:: -1 if turn % 2 else 1]:
            rounds[path].append(await bench.round(path))
        crowds.append(await bench.crowd(plan))
    return Rounds(rounds, crowds)


_read_plan: Final = msgspec.json.Decoder(RoundsPlan | FirstCall).decode

if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of models that retire soon: not what is measured here
    _found = asyncio.run(measure(_read_plan(sys.argv[1])))  # noqa: TID251
    sys.stdout.buffer.write(msgspec.json.encode(_found) + b"\n")
