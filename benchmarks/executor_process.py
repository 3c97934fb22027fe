"""A measured process: `python -m benchmarks.executor_process PLAN`, the plan as JSON.

It finds the providers by the environment, prints one JSON line, and ends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

import msgspec

from benchmarks.executor_bench import Bench, Crowd, Round
from benchmarks.executor_tasks import AGENT, PROVIDERS, ExecutionPath
from llmbus.shared.agents import AgentInterface
from llmbus.shared.registry import AgentRegistry
from llmbus.worker.direct_path import DirectPathSettings
from llmbus.worker.task_executor import TaskExecutor

__all__ = ["FirstTask", "Rounds", "RoundsPlan"]


class RoundsPlan(msgspec.Struct, tag=True, frozen=True):
    """Both paths in turn, in one process. Answered by `Rounds`."""

    provider: str
    rounds: int
    crowd: int
    """Tasks at once on the direct path."""
    crowd_latency_seconds: float
    """After which the provider answers each of them."""


class FirstTask(msgspec.Struct, tag=True, frozen=True):
    """The first task of this process, on that path. Answered by its seconds."""

    provider: str
    path: ExecutionPath


class Rounds(msgspec.Struct, frozen=True):
    """What was measured; the first round of everything is not kept."""

    paths: dict[ExecutionPath, list[Round]]
    crowds: list[Crowd]


async def measure(plan: RoundsPlan | FirstTask) -> Rounds | float:
    """What the plan asks for."""
    registry = AgentRegistry()
    api = PROVIDERS[plan.provider]
    registry.register_agent(AGENT, api.agent_type, AgentInterface.API, model=api.model)
    both_paths = DirectPathSettings(use_direct_llm=True)
    async with TaskExecutor(registry, settings=both_paths) as executor:
        bench = Bench(executor)
        if isinstance(plan, FirstTask):
            return await bench.alone(plan.path)
        return await _rounds(bench, plan)


async def _rounds(bench: Bench, plan: RoundsPlan) -> Rounds:
    """Every other round backwards, so that no path always comes first. What comes before them
    imports, and opens the connections."""
    rounds: dict[ExecutionPath, list[Round]] = {path: [] for path in ExecutionPath}
    crowds: list[Crowd] = []
    api = PROVIDERS[plan.provider]
    async with api.bare(api.model) as bare_sdk:
        for path in ExecutionPath:
            await bench.alone(path)
        await bench.crowd(plan.crowd, plan.crowd_latency_seconds, bare_sdk)
        for turn in range(plan.rounds):
            for path in tuple(ExecutionPath)[:: -1 if turn % 2 else 1]:
                rounds[path].append(await bench.round(path))
            crowds.append(await bench.crowd(plan.crowd, plan.crowd_latency_seconds, bare_sdk))
    return Rounds(rounds, crowds)


_read_plan: Final = msgspec.json.Decoder(RoundsPlan | FirstTask).decode

if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of models that retire soon: not what is measured here
    _found = asyncio.run(measure(_read_plan(sys.argv[1])))  # noqa: TID251
    sys.stdout.buffer.write(msgspec.json.encode(_found) + b"\n")
