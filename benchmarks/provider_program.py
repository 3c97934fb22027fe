"""Ask every provider once, on the direct path and by its script, and say what is missing.

Needs no services and no key: whatever has none is simulated. Exit code 1 if somebody did not
answer.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.provider_check import Check, checked_providers, configured_by
from benchmarks.validation_report import REPORT, as_markdown_table, write_section
from llmbus.shared.agents import AgentType

__all__ = ["run"]

_NAME: Final = "validate_all_providers"


def run() -> int:
    """Be the program. Returns its exit code."""
    arguments = _parser().parse_args()
    logging.disable(logging.WARNING)  # of models that retire soon: not what is asked here
    agent_types = arguments.only or list(AgentType)
    checks = asyncio.run(_told(agent_types, real=arguments.real))  # noqa: TID251  a program
    missing = sum(bool(check.missing) for check in checks)
    print(f"{len(checks) - missing} of {len(checks)} calls were answered")
    if arguments.real:
        _tell_what_was_simulated(checks)
    if arguments.report is not None:
        write_section(arguments.report, _NAME, _as_markdown(checks))
        print(f"written: {arguments.report}")
    return int(missing > 0)


async def _told(agent_types: Sequence[AgentType], *, real: bool) -> list[Check]:
    checks: list[Check] = []
    async for check in checked_providers(agent_types, real=real):
        checks.append(check)
        agent_type, path, service, seconds, verdict = _row(check)
        print(f"{agent_type:17} {path:11} {service:10} {seconds:>7}  {verdict}", flush=True)
    return checks


def _tell_what_was_simulated(checks: Sequence[Check]) -> None:
    for agent_type in dict.fromkeys(check.agent_type for check in checks if not check.is_real):
        wanted = " or ".join(configured_by(agent_type))
        print(f"{agent_type} was simulated: for the real service set {wanted}")


def _as_markdown(checks: Sequence[Check]) -> str:
    return as_markdown_table(("provider", "path", "service", "time", ""), [*map(_row, checks)])


def _row(check: Check) -> tuple[str, str, str, str, str]:
    verdict = f"missing: {check.missing}" if check.missing else "ok"
    service = "real" if check.is_real else "simulator"
    return check.agent_type, check.path, service, f"{check.seconds:.2f} s", verdict


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m benchmarks.{_NAME}", description=__doc__)
    parser.add_argument(
        "--only", type=AgentType, choices=AgentType, action="append", help="this agent type"
    )
    parser.add_argument(
        "--real",
        action="store_true",
        help="ask the services themselves where the environment has a key: this costs",
    )
    parser.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=REPORT,
        metavar="FILE",
        help=f"write this program's section of the report [{REPORT}]",
    )
    return parser
