"""`TaskExecutor`'s direct path beside its subprocess path, provider by provider."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from benchmarks.executor_lines import crowd_lines, first_task_line, path_lines
from benchmarks.executor_process import FirstTask, Rounds, RoundsPlan
from benchmarks.executor_tasks import ExecutionPath
from benchmarks.results import Line
from benchmarks.simulated import simulated_providers

__all__ = ["ComparisonPlan", "measure"]

_ROOT: Final = Path(__file__).parents[1]
_LONGEST_PROCESS_SECONDS: Final = 900
_DISTURBING: Final = ("COV", "LLMBUS_")
"""Coverage slows the processes down, and settings of the caller's shell send tasks elsewhere."""
_Found = TypeVar("_Found", Rounds, float)


@dataclass(frozen=True)
class ComparisonPlan:
    """How much is measured of each provider."""

    rounds: int = 5
    crowd: int = 100
    """Tasks at once."""
    latency_seconds: float = 1.0
    """After which a provider answers."""
    crowd_latency_seconds: float = 2.0
    """The same for the many at once: so long that what they add is not the simulator's CPU time,
    so short that any queue on the way shows, as twice that time."""


def measure(providers: Sequence[str], plan: ComparisonPlan) -> list[Line]:
    """Everything. `subprocess.SubprocessError` if something did not run."""
    lines: list[Line] = []
    with simulated_providers(plan.latency_seconds) as environment:
        undisturbed = {
            name: value for name, value in environment.items() if not name.startswith(_DISTURBING)
        }
        for provider in providers:
            print(f"benchmarks: {provider} …", file=sys.stderr, flush=True)
            lines += _lines(provider, plan, undisturbed)
    return lines


def _lines(provider: str, plan: ComparisonPlan, environment: Mapping[str, str]) -> Iterator[Line]:
    rounds = RoundsPlan(provider, plan.rounds, plan.crowd, plan.crowd_latency_seconds)
    found = _in_process(rounds, Rounds, environment)
    yield from path_lines(provider, found, plan.latency_seconds)
    yield from crowd_lines(provider, plan.crowd, found.crowds)
    first = [
        {
            path: _in_process(FirstTask(provider, path), float, environment)
            for path in tuple(ExecutionPath)[:: -1 if turn % 2 else 1]
        }
        for turn in range(plan.rounds)
    ]
    yield first_task_line(
        provider,
        [(one[ExecutionPath.DIRECT], one[ExecutionPath.SUBPROCESS]) for one in first],
    )


def _in_process(
    plan: RoundsPlan | FirstTask, kind: type[_Found], environment: Mapping[str, str]
) -> _Found:
    argument = msgspec.json.encode(plan).decode()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.executor_process", argument],
        cwd=_ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        timeout=_LONGEST_PROCESS_SECONDS,
    )
    return msgspec.json.decode(done.stdout, type=kind)
