"""`TaskExecutor`'s direct path beside its subprocess path: what the comparison programs share.

Needs no services, no network and no key: the provider simulator answers, after a fixed time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

import msgspec

from benchmarks.executor_lines import crowd_lines, first_call_line, path_lines
from benchmarks.executor_process import FirstCall, Rounds, RoundsPlan
from benchmarks.executor_tasks import PROVIDERS, Path
from benchmarks.report import print_table, write_json
from benchmarks.results import Line
from benchmarks.simulated import simulated_providers
from benchmarks.validation_report import REPORT, goals_told, lines_as_markdown, write_section

__all__ = ["ComparisonPlan", "measure", "run"]

_ROOT: Final = FilePath(__file__).parents[1]
_SIDES: Final = ("direct", "subprocess")
_LONGEST_PROCESS_SECONDS: Final = 900
_DISTURBING: Final = ("COV", "LLMBUS_")
"""Coverage slows the processes down, and settings of this shell send tasks elsewhere."""
_Found = TypeVar("_Found", Rounds, float)


@dataclass(frozen=True)
class ComparisonPlan:
    """How much is measured of each provider."""

    rounds: int = 5
    crowd: int = 100
    """Tasks at once."""
    latency_seconds: float = 1.0
    """After which a provider answers: short, as the overhead is what is compared."""
    crowd_latency_seconds: float = 2.0
    """The same for the many at once: long enough that what they add is not the CPU time of the
    simulator, short enough that every queue inside shows, as a second time two seconds."""


def measure(providers: Sequence[str], plan: ComparisonPlan) -> list[Line]:
    """Provider by provider. `subprocess.SubprocessError` if something did not run."""
    lines: list[Line] = []
    with simulated_providers(plan.latency_seconds) as environment:
        undisturbed = {
            name: value for name, value in environment.items() if not name.startswith(_DISTURBING)
        }
        for provider in providers:
            print(f"benchmarks: {provider} …", file=sys.stderr, flush=True)
            lines += _of_one(provider, plan, undisturbed)
    return lines


def _of_one(provider: str, plan: ComparisonPlan, environment: Mapping[str, str]) -> Iterator[Line]:
    agent_type = PROVIDERS[provider]
    rounds = RoundsPlan(agent_type, plan.rounds, plan.crowd, plan.crowd_latency_seconds)
    found = _in_process(rounds, Rounds, environment)
    yield from path_lines(provider, found, plan.latency_seconds)
    yield from crowd_lines(provider, plan.crowd, found.crowds)
    first = [
        {
            path: _in_process(FirstCall(agent_type, path), float, environment)
            for path in tuple(Path)[:: -1 if turn % 2 else 1]
        }
        for turn in range(plan.rounds)
    ]
    yield first_call_line(provider, [(one[Path.DIRECT], one[Path.SUBPROCESS]) for one in first])


def _in_process(
    plan: RoundsPlan | FirstCall, kind: type[_Found], environment: Mapping[str, str]
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


def run(name: str, providers: Sequence[str] = tuple(PROVIDERS)) -> int:
    """Be the program `benchmarks.<name>`: its exit code. A missed goal is told and fails nothing,
    unless it shall: figures of a shared machine say little alone."""
    arguments = _parser(name).parse_args()
    plan = ComparisonPlan(rounds=arguments.rounds, latency_seconds=arguments.latency)
    load, _, _ = os.getloadavg()
    try:
        lines = measure(providers, plan)
    except subprocess.SubprocessError as error:
        print(f"benchmarks: did not run: {error}", file=sys.stderr)
        return 2
    beside = (
        f"its subprocess path, answers after {plan.latency_seconds:g} s,"
        f" {plan.crowd} at once after {plan.crowd_latency_seconds:g} s; load before {load:.1f}"
    )
    _tell(name, lines, beside, arguments)
    missed = any(line.meets_goal is False for line in lines)
    return 1 if missed and arguments.strict else 0


def _tell(name: str, lines: Sequence[Line], beside: str, arguments: Any) -> None:
    print_table(lines, beside, _SIDES)
    print("\n".join(goals_told(lines)))
    if arguments.json is not None:
        write_json(arguments.json, lines, beside)
    if arguments.report:
        written = write_section(_ROOT / REPORT, name, lines_as_markdown(lines, beside, _SIDES))
        print(f"written: {written.relative_to(_ROOT)}")


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m benchmarks.{name}", description=__doc__)
    parser.add_argument("--rounds", type=_at_least_one, default=5, help="of each path [5]")
    parser.add_argument(
        "--latency", type=float, default=1.0, help="after how many seconds providers answer [1]"
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 for a missed goal")
    parser.add_argument("--report", action="store_true", help=f"write into {REPORT}, too")
    parser.add_argument(
        "--json", type=FilePath, metavar="FILE", help="write every sample there, too"
    )
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number
