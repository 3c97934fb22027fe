"""`python -m tests.faults --seeds 50`: many seeded runs, and a table of what came of them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.faults.catalogue import CATALOGUE
from tests.faults.found import FOUND
from tests.faults.ground import Ground
from tests.faults.plan import Plan
from tests.faults.report import Judged, failure_in_words, print_table
from tests.faults.run import run
from tests.services import installation
from tests.services.endpoints import AMQP_URL_VARIABLE

_DESCRIPTION = """\
Runs real workers and a real orchestrator on a real RabbitMQ and Redis, strikes by seed, and
checks the recorded history. Ends with 1 if any promise was broken. Without TEST_AMQP_URL and
TEST_RABBITMQ_API_URL it starts a broker of its own; with them it uses that one and leaves out the
faults that harm a node. TEST_RABBITMQ_INSTALLATION names the folder of the RabbitMQ to start. See
docs/fault-suite.md.
"""


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.faults", description=_DESCRIPTION)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds; default 10")
    parser.add_argument("--first", type=int, default=1, help="the first of them; default 1")
    parser.add_argument("--seed", type=int, help="this one alone, with its history")
    parser.add_argument("--found", help="one plan of found.py, with its history")
    parser.add_argument("--only", help="faults whose names begin so, separated by commas")
    parser.add_argument("--list", action="store_true", help="name all faults and end")
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class _Wanted:
    """A plan, and the arguments that ask for it alone."""

    plan: Plan
    again: str


def _wanted(options: argparse.Namespace) -> Iterator[_Wanted]:
    own_broker = AMQP_URL_VARIABLE not in os.environ or installation.is_named()
    if options.seed is None and options.only is None:
        for found in FOUND:
            if options.found in {None, found.name} and (
                own_broker or not found.plan.needs_own_broker
            ):
                yield _Wanted(found.plan, f"--found {found.name}")
    if options.found is not None:
        return
    seeds = range(options.first, options.first + options.seeds)
    for seed in seeds if options.seed is None else [options.seed]:
        plan = Plan.from_seed(seed, own_broker=own_broker, only=options.only)
        only = f" --only {options.only}" if options.only else ""
        yield _Wanted(plan, f"--seed {seed}{only}")


async def _run_all(options: argparse.Namespace, console: Console) -> int:
    folder = Path(tempfile.mkdtemp(prefix="llmbus-faults-"))
    judged: list[tuple[Judged, str]] = []
    async with Ground() as ground:
        for number, wanted in enumerate(_wanted(options)):
            finished = await run(wanted.plan, ground, folder / f"{number}-{wanted.plan.seed}")
            one = Judged(finished)
            judged.append((one, wanted.again))
            verdict = "BAD" if one.violations else "ok"
            faults = ", ".join(each.fault for each in wanted.plan.injections)
            asked = wanted.again.split()[1]
            console.out(f"{asked:>24} {verdict:3} {finished.seconds:5.1f} s  {faults}")
            if options.seed is not None or options.found is not None:
                console.out("\n".join(event.in_words() for event in finished.events))
    for one, again in judged:
        if one.violations:
            console.out(failure_in_words(one, f"python -m tests.faults {again}"))
    print_table([one for one, _ in judged], console)
    console.print(f"on RabbitMQ {', '.join(ground.versions)}")
    return int(any(one.violations for one, _ in judged))


def main() -> int:
    options = _options(sys.argv[1:])
    console = Console()
    if options.list:
        for fault in CATALOGUE.values():
            console.out(f"{fault.name:32} {fault.words}")
        return 0
    return asyncio.run(_run_all(options, console))  # noqa: TID251  the program's entry point


if __name__ == "__main__":
    sys.exit(main())
