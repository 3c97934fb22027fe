"""From the samples of both paths to lines, with the goals beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from benchmarks.executor_process import Crowd, Round, Rounds
from benchmarks.executor_tasks import Path, Prompt
from benchmarks.results import Goal, Line

__all__ = ["crowd_lines", "first_call_line", "path_lines"]

LESS_LATENCY_PERCENT: Final = 30.0
_LESS_LATENCY: Final = Goal(LESS_LATENCY_PERCENT, at_least=True)
_OVERHEAD_GONE: Final = Goal(95.0, at_least=True)
_SPEED_UP: Final = Goal(3.0, at_least=True)
_CROWD: Final = Goal(1.2)
_Pairs = Sequence[tuple[float, float]]


def path_lines(provider: str, found: Rounds, latency_seconds: float) -> Iterator[Line]:
    """Each prompt alone, and the three of them at once. The providers answered after that time;
    whatever else it took is overhead."""
    rounds = list(zip(found.paths[Path.DIRECT], found.paths[Path.SUBPROCESS], strict=True))
    for prompt in Prompt:
        pairs = [(ours.alone[prompt], theirs.alone[prompt]) for ours, theirs in rounds]
        yield from _comparison(f"{provider}, {prompt} prompt", pairs, latency_seconds)
    pairs = [(ours.together, theirs.together) for ours, theirs in rounds]
    yield from _comparison(f"{provider}, {len(Prompt)} at once", pairs, latency_seconds)
    yield from _speed_ups(provider, rounds)
    medium = [(ours.alone[Prompt.MEDIUM], theirs.alone[Prompt.MEDIUM]) for ours, theirs in rounds]
    yield Line(
        f"{provider}: {LESS_LATENCY_PERCENT:g} % less for answers of up to",
        "s",
        median(_longest_answer(ours, theirs, latency_seconds) for ours, theirs in medium),
    )


def crowd_lines(provider: str, tasks: int, crowds: Sequence[Crowd]) -> Iterator[Line]:
    """Many tasks at once beside a single one."""
    ratios = [crowd.all / crowd.one for crowd in crowds]
    yield Line(
        f"{provider}, {tasks} at once: beside one task",
        "x",
        median(ratios),
        goal=_CROWD,
        samples={"direct": ratios},
    )
    cpu = [crowd.cpu / tasks * 1e3 for crowd in crowds]
    yield Line(
        f"{provider}, {tasks} at once: CPU per task", "ms", median(cpu), samples={"direct": cpu}
    )


def first_call_line(provider: str, pairs: _Pairs) -> Line:
    """Cold: the first task of a fresh process. On the direct path it imports the SDK."""
    return _seconds(f"{provider}, cold: first task of a process", pairs)


def _comparison(name: str, pairs: _Pairs, latency_seconds: float) -> Iterator[Line]:
    yield _seconds(name, pairs)
    less = [(1 - ours / theirs) * 100 for ours, theirs in pairs]
    yield _percent(f"{name}: less latency", less, _LESS_LATENCY)
    gone = [
        (1 - (ours - latency_seconds) / (theirs - latency_seconds)) * 100 for ours, theirs in pairs
    ]
    yield _percent(f"{name}: overhead gone", gone, _OVERHEAD_GONE)


def _speed_ups(provider: str, rounds: Sequence[tuple[Round, Round]]) -> Iterator[Line]:
    tasks = len(Prompt)
    whole = [sum(theirs.alone.values()) / ours.together for ours, theirs in rounds]
    yield Line(
        f"{provider}, {tasks} at once: beside {tasks} scripts in sequence",
        "x faster",
        median(whole),
        goal=_SPEED_UP,
        samples={"direct": whole},
    )
    own = [sum(ours.alone.values()) / ours.together for ours, _ in rounds]
    yield Line(
        f"{provider}, {tasks} at once: beside {tasks} directly in sequence",
        "x faster",
        median(own),
        samples={"direct": own},
    )


def _longest_answer(ours: float, theirs: float, latency_seconds: float) -> float:
    """Of how many seconds an answer may be, for this overhead to be that share of the whole."""
    return (theirs - ours) / (LESS_LATENCY_PERCENT / 100) - (theirs - latency_seconds)


def _seconds(name: str, pairs: _Pairs) -> Line:
    ours, theirs = ([pair[side] * 1e3 for pair in pairs] for side in (0, 1))
    return Line(
        name,
        "ms",
        median(ours),
        median(theirs),
        median(one / other for one, other in pairs),
        samples={"direct": ours, "subprocess": theirs},
    )


def _percent(name: str, shares: list[float], goal: Goal) -> Line:
    return Line(name, "%", median(shares), goal=goal, samples={"direct": shares})
