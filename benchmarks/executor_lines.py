"""From the samples of both paths to lines, with the goals beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from benchmarks.executor_bench import Crowd, Round
from benchmarks.executor_process import Rounds
from benchmarks.executor_tasks import ExecutionPath, Prompt
from benchmarks.results import Goal, Line

__all__ = ["crowd_lines", "first_task_line", "path_lines"]

_LESS_PERCENT: Final = 30.0
_LESS_LATENCY: Final = Goal(_LESS_PERCENT, at_least=True)
_OVERHEAD_GONE: Final = Goal(95.0, at_least=True)
_SPEED_UP: Final = Goal(3.0, at_least=True)
_CROWD: Final = Goal(1.2)
_TOGETHER: Final = f"{len(Prompt)} at once"
_Pairs = Sequence[tuple[float, float]]


def path_lines(provider: str, found: Rounds, latency_seconds: float) -> Iterator[Line]:
    """Each prompt alone, and the three of them at once. The provider answered after that time;
    whatever else it took is overhead."""
    rounds = list(
        zip(found.paths[ExecutionPath.DIRECT], found.paths[ExecutionPath.SUBPROCESS], strict=True)
    )
    for prompt in Prompt:
        pairs = [(ours.alone[prompt], theirs.alone[prompt]) for ours, theirs in rounds]
        yield from _comparison(f"{provider}, {prompt} prompt", pairs, latency_seconds)
        if prompt is Prompt.MEDIUM:
            yield _longest_answer(provider, pairs, latency_seconds)
    pairs = [(ours.together, theirs.together) for ours, theirs in rounds]
    yield from _comparison(f"{provider}, {_TOGETHER}", pairs, latency_seconds)
    yield from _speed_ups(provider, rounds)


def crowd_lines(provider: str, tasks: int, crowds: Sequence[Crowd]) -> Iterator[Line]:
    """Many tasks at once beside a single one, and what the machine would have allowed."""
    name = f"{provider}, {tasks} at once"
    yield _figure(f"{name} / one", "x", [crowd.all / crowd.one for crowd in crowds], _CROWD)
    yield _figure(f"{name} / one, bare SDK", "x", [crowd.bare / crowd.one for crowd in crowds])
    yield _figure(f"{name}: CPU per task", "ms", [crowd.cpu / tasks * 1e3 for crowd in crowds])


def first_task_line(provider: str, pairs: _Pairs) -> Line:
    """Cold: the first task of a fresh process. On the direct path it imports the SDK."""
    return _milliseconds(f"{provider}, cold: first task of a process", pairs)


def _comparison(name: str, pairs: _Pairs, latency_seconds: float) -> Iterator[Line]:
    yield _milliseconds(name, pairs)
    less = [(1 - ours / theirs) * 100 for ours, theirs in pairs]
    yield _figure(f"{name}: less latency", "%", less, _LESS_LATENCY)
    gone = [
        (1 - (ours - latency_seconds) / (theirs - latency_seconds)) * 100 for ours, theirs in pairs
    ]
    yield _figure(f"{name}: overhead gone", "%", gone, _OVERHEAD_GONE)


def _longest_answer(provider: str, pairs: _Pairs, latency_seconds: float) -> Line:
    """How long an answer may take for the overhead that is gone to be such a share of the whole:
    a share of latency says as much about the answer as about the path."""
    longest = [
        (theirs - ours) / (_LESS_PERCENT / 100) - (theirs - latency_seconds)
        for ours, theirs in pairs
    ]
    return _figure(f"{provider}: {_LESS_PERCENT:g} % less for answers of up to", "s", longest)


def _speed_ups(provider: str, rounds: Sequence[tuple[Round, Round]]) -> Iterator[Line]:
    """Beside the old way, and beside the direct path itself, where three is the most there is."""
    scripts = [sum(theirs.alone.values()) / ours.together for ours, theirs in rounds]
    name = f"{provider}, {_TOGETHER}: faster than in sequence"
    yield _figure(f"{name} by scripts", "x", scripts, _SPEED_UP)
    yield _figure(
        f"{name} directly",
        "x",
        [sum(ours.alone.values()) / ours.together for ours, _ in rounds],
    )


def _milliseconds(name: str, pairs: _Pairs) -> Line:
    ours, theirs = ([pair[side] * 1e3 for pair in pairs] for side in (0, 1))
    return Line(
        name,
        "ms",
        median(ours),
        median(theirs),
        median(one / other for one, other in pairs),
        samples={"direct": ours, "subprocess": theirs},
    )


def _figure(name: str, unit: str, samples: list[float], goal: Goal | None = None) -> Line:
    return Line(name, unit, median(samples), goal=goal, samples={"direct": samples})
