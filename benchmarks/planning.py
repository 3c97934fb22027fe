"""`python -m benchmarks.planning`: what it costs to plan a project and to keep its state.

A thousand tasks with five dependencies each are added, walked through in order, and written to a
state file; the median of some rounds, in this process, without a broker.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from llmbus.producer import ProjectOrchestrator
from llmbus.shared import AgentTask, ExecutionResult

TASKS: Final = 1_000
DEPENDENCIES_EACH: Final = 5
ROUNDS: Final = 15
GOAL_MILLISECONDS: Final = 50.0


class _Nobody:
    """An executor for projects that are only planned."""

    async def execute(
        self, task: AgentTask, agent: str | None = None, mode: str | None = None
    ) -> ExecutionResult:
        raise AssertionError("nothing is executed here")


def _tasks(count: int) -> list[AgentTask]:
    dice = random.Random(1)
    tasks: list[AgentTask] = []
    for number in range(count):
        places = dice.sample(range(number), min(number, DEPENDENCIES_EACH))
        needed = [f"t{place}" for place in places]
        tasks.append(AgentTask(f"t{number}", "Title", "Do it.", "gpt-4", dependencies=needed))
    dice.shuffle(tasks)
    return tasks


def _plan(tasks: list[AgentTask], state_file: Path | None = None) -> ProjectOrchestrator:
    project = ProjectOrchestrator(_Nobody(), state_file=state_file)
    project.add_tasks(tasks)
    project.get_ready_tasks()
    return project


def _milliseconds(work: Callable[[list[AgentTask]], object], count: int, rounds: int) -> float:
    samples: list[float] = []
    for _ in range(rounds):
        tasks = _tasks(count)
        began = time.perf_counter()
        work(tasks)
        samples.append((time.perf_counter() - began) * 1_000)
    return median(samples)


def _with_state(tasks: list[AgentTask]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _plan(tasks, Path(folder) / "state.json").close()


def report(count: int = TASKS, rounds: int = ROUNDS) -> list[str]:
    """Measure, and say it in a few lines."""
    edges = sum(len(task.dependencies) for task in _tasks(count))
    planned = _milliseconds(_plan, count, rounds)
    kept = _milliseconds(_with_state, count, rounds)
    verdict = "met" if planned < GOAL_MILLISECONDS else "missed"
    return [
        f"{count:,} tasks with {edges:,} dependencies, median of {rounds} rounds",
        f"planned, checked for circles  {planned:6.1f} ms   goal {GOAL_MILLISECONDS:g}: {verdict}",
        f"the same, and on the disk     {kept:6.1f} ms",
    ]


if __name__ == "__main__":
    print(*report(), sep="\n")
