"""What the programs that compare both paths of `TaskExecutor` have in common: all but the name.

They need no services, no network and no key: the provider simulator answers, after a fixed time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.executor_comparison import ComparisonPlan, measure
from benchmarks.executor_tasks import PROVIDERS
from benchmarks.report import print_table, write_json
from benchmarks.results import Line
from benchmarks.validation_report import (
    REPORT,
    goals_told,
    lines_as_markdown,
    write_section,
)

__all__ = ["exit_code", "run"]

_SIDES: Final = ("direct", "subprocess")
_DEFAULTS: Final = ComparisonPlan()


def run(name: str, providers: Sequence[str] = tuple(PROVIDERS)) -> int:
    """Be the program `benchmarks.<name>`. Returns its exit code."""
    arguments = _parser(name).parse_args()
    plan = ComparisonPlan(
        arguments.rounds, arguments.crowd, arguments.latency, arguments.crowd_latency
    )
    load, _, _ = os.getloadavg()
    try:
        lines = measure(providers, plan)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"benchmarks: something did not run: {error}", file=sys.stderr)
        return 2
    beside = (
        f"its subprocess path, medians of {plan.rounds} rounds, answers after"
        f" {plan.latency_seconds:g} s, {plan.crowd} at once after"
        f" {plan.crowd_latency_seconds:g} s, load before {load:.1f}"
    )
    _tell(name, lines, beside, arguments)
    return exit_code(lines, strict=arguments.strict)


def exit_code(lines: Sequence[Line], *, strict: bool) -> int:
    """A missed goal is told and fails nothing, unless it shall: figures of a shared machine must
    not fail a build."""
    return int(strict and any(line.meets_goal is False for line in lines))


def _tell(name: str, lines: Sequence[Line], beside: str, arguments: Any) -> None:
    print_table(lines, beside, _SIDES)
    print("\n".join(goals_told(lines)))
    if arguments.json is not None:
        write_json(arguments.json, lines, beside)
    if arguments.report is not None:
        write_section(arguments.report, name, lines_as_markdown(lines, beside, _SIDES))
        print(f"written: {arguments.report}")


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m benchmarks.{name}", description=__doc__)
    parser.add_argument(
        "--rounds", type=_at_least_one, default=_DEFAULTS.rounds, help="[%(default)s]"
    )
    parser.add_argument(
        "--crowd", type=_at_least_one, default=_DEFAULTS.crowd, help="tasks at once [%(default)s]"
    )
    for option, default in (
        ("--latency", _DEFAULTS.latency_seconds),
        ("--crowd-latency", _DEFAULTS.crowd_latency_seconds),
    ):
        parser.add_argument(
            option,
            type=float,
            default=default,
            metavar="SECONDS",
            help="after which the provider answers [%(default)s]",
        )
    parser.add_argument("--strict", action="store_true", help="exit code 1 for a missed goal")
    parser.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=REPORT,
        metavar="FILE",
        help=f"write this program's section of the report [{REPORT}]",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number
