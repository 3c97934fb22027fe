"""`python -m benchmarks.llm_layer`: many calls at once to simulated providers, through the LLM
layer and through the bare SDKs. Needs no services, no network and no key."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import msgspec

from benchmarks.llm_contenders import APIS
from benchmarks.llm_process import Memory, Rounds
from benchmarks.report import print_table, write_json
from benchmarks.results import Goal, Line
from benchmarks.simulated import simulated_providers

__all__ = ["measure"]

_WALL: Final = Goal(1.15, of_ratio=True)
_CPU: Final = Goal(1.25, of_ratio=True)
_KILOBYTES: Final = Goal(60)
_LOOKUP: Final = Goal(50)
_LONGEST_PROCESS_SECONDS: Final = 120
_BESIDE: Final = "the bare SDKs on aiohttp"
_LATENCY_SECONDS: Final = 0.1
_Found = TypeVar("_Found", Rounds, Memory)


def measure(calls: int, rounds: int, apis: Sequence[str] = tuple(APIS)) -> list[Line]:
    """Everything, API by API."""
    lines: list[Line] = []
    with simulated_providers(_LATENCY_SECONDS) as environment:
        for api in apis:
            print(f"benchmarks: {api} …", file=sys.stderr, flush=True)
            found = _run(Rounds, environment, "rounds", api, calls, rounds)
            held = {
                contender: _run(Memory, environment, "memory", api, calls, contender)
                for contender in ("layer", "bare")
            }
            lines += _lines(api, calls, found, held)
    return lines


def _run(kind: type[_Found], environment: Mapping[str, str], *arguments: object) -> _Found:
    program = [sys.executable, "-m", "benchmarks.llm_process", *map(str, arguments)]
    done = subprocess.run(
        program,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        timeout=_LONGEST_PROCESS_SECONDS,
    )
    return msgspec.json.decode(done.stdout, type=kind)


def _lines(api: str, calls: int, found: Rounds, held: Mapping[str, Memory]) -> Iterator[Line]:
    pairs = list(zip(found.layer, found.bare, strict=True))
    yield _ratio_line(
        f"{api}: {calls} calls", "s", [(ours.wall, theirs.wall) for ours, theirs in pairs], _WALL
    )
    per_call = [(ours.cpu / calls * 1e3, theirs.cpu / calls * 1e3) for ours, theirs in pairs]
    yield _ratio_line(f"{api}: CPU per call", "ms", per_call, _CPU)
    yield Line(
        f"{api}: memory per call in flight",
        "KB",
        held["layer"].kilobytes_per_call,
        held["bare"].kilobytes_per_call,
        goal=_KILOBYTES,
    )
    yield Line(f"{api}: factory lookup", "µs", found.lookup_seconds * 1e6, goal=_LOOKUP)


def _ratio_line(name: str, unit: str, pairs: Sequence[tuple[float, float]], goal: Goal) -> Line:
    ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    return Line(
        name,
        unit,
        median(ours),
        median(theirs),
        ratio=median(one / other for one, other in pairs),
        goal=goal,
        samples={"llmbus": ours, "by_hand": theirs},
    )


def main() -> None:
    """Measure and print. Ends with 0 even if a goal is missed: figures of a shared machine must
    not fail a build."""
    parser = argparse.ArgumentParser("python -m benchmarks.llm_layer", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000, help="at once [1000]")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender [5]")
    parser.add_argument("--api", choices=APIS, action="append", help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there, too")
    arguments = parser.parse_args()
    lines = measure(arguments.calls, arguments.rounds, arguments.api or tuple(APIS))
    print_table(lines, _BESIDE)
    if arguments.json is not None:
        write_json(arguments.json, lines, _BESIDE)


if __name__ == "__main__":
    main()
