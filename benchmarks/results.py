"""From samples to lines: medians, ratios, and the goals beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Final

import msgspec

from benchmarks.contender import Contender
from benchmarks.imports import ImportCost
from benchmarks.pair import RushCost

__all__ = ["Goal", "Line", "import_lines", "memory_lines", "round_trip_lines", "rush_lines"]


class Goal(msgspec.Struct, frozen=True):
    """What must hold, either of the ratio or of our own figure."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{' x' if self.of_ratio else ''}"


class Line(msgspec.Struct, frozen=True):
    """One measured thing. `llmbus` and `by_hand` are medians of the rounds."""

    name: str
    unit: str
    llmbus: float
    by_hand: float | None = None
    ratio: float | None = None
    """The median of each round's own ratio: what disturbs a round disturbs both sides of it."""
    goal: Goal | None = None
    samples: dict[str, list[float]] = {}

    @property
    def meets_goal(self) -> bool | None:
        """None where there is no goal."""
        if self.goal is None:
            return None
        figure = self.ratio if self.goal.of_ratio else self.llmbus
        assert figure is not None
        return figure >= self.goal.limit if self.goal.at_least else figure <= self.goal.limit


_THROUGHPUT: Final = Goal(0.8, at_least=True, of_ratio=True)
_P50: Final = Goal(1.3, of_ratio=True)
_KILOBYTES: Final = Goal(30)
_IMPORT_SECONDS: Final = Goal(0.35)


def rush_lines(concurrency: int, costs: Mapping[Contender, Sequence[RushCost]]) -> list[Line]:
    """Throughput and CPU of one concurrency, without and with a log."""
    lines: list[Line] = []
    by_hand = costs[Contender.BY_HAND]
    for contender, note in ((Contender.LLMBUS, ""), (Contender.LLMBUS_LOGGING, ", log on")):
        ours = costs[contender]
        where = f"concurrency {concurrency}{note}"
        lines += [
            _compared(
                f"cycles, {where}",
                "1/s",
                [cost.tasks_per_second for cost in ours],
                [cost.tasks_per_second for cost in by_hand],
                None if note else _THROUGHPUT,
            ),
            _compared(
                f"worker CPU per task, {where}",
                "ms",
                [cost.worker_cpu_ms_per_task for cost in ours],
                [cost.worker_cpu_ms_per_task for cost in by_hand],
            ),
        ]
    return [
        *lines,
        _compared(
            f"orchestrator CPU per task, concurrency {concurrency}",
            "ms",
            [cost.orchestrator_cpu_ms_per_task for cost in costs[Contender.LLMBUS]],
            [cost.orchestrator_cpu_ms_per_task for cost in by_hand],
        ),
    ]


def round_trip_lines(trips: Mapping[Contender, Sequence[Sequence[float]]]) -> list[Line]:
    """p50 and p99 of each round."""
    ours, by_hand = trips[Contender.LLMBUS], trips[Contender.BY_HAND]
    return [
        _compared(
            f"unloaded round trip, p{percent}",
            "ms",
            [_percentile(each, percent) for each in ours],
            [_percentile(each, percent) for each in by_hand],
            goal,
        )
        for percent, goal in ((50, _P50), (99, None))
    ]


def memory_lines(
    in_flight: int, growth: Mapping[Contender, Sequence[tuple[float, float]]]
) -> list[Line]:
    """Of the worker and of the orchestrator."""
    return [
        _compared(
            f"{role} memory per task, {in_flight:,} in flight",
            "KB",
            [each[place] for each in growth[Contender.LLMBUS]],
            [each[place] for each in growth[Contender.BY_HAND]],
            _KILOBYTES,
        )
        for place, role in enumerate(("worker", "orchestrator"))
    ]


def import_lines(cost: ImportCost) -> list[Line]:
    """Import time, and how many libraries came along that should not."""
    loaded = f" ({', '.join(cost.loaded)})" if cost.loaded else ""
    return [
        Line("import llmbus.producer", "s", cost.seconds, goal=_IMPORT_SECONDS),
        Line(f"SDKs and clients it loads{loaded}", "", len(cost.loaded), goal=Goal(0)),
    ]


def _compared(
    name: str, unit: str, ours: list[float], by_hand: list[float], goal: Goal | None = None
) -> Line:
    # Memory may not have grown at all.
    ratios = [one / other for one, other in zip(ours, by_hand, strict=True) if other > 0]
    return Line(
        name,
        unit,
        median(ours),
        median(by_hand),
        median(ratios) if ratios else None,
        goal,
        {"llmbus": ours, "by_hand": by_hand},
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
