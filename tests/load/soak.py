"""`make soak MINUTES=30 RATE=200`: an even load for a long time, and whether anything grows.

Real worker processes, RabbitMQ and Redis; the provider answers after 20 ms and counts its calls.
It ends by itself: 0 if nothing was lost, wrong, doubled or left behind and nothing grows, else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from llmbus.producer.inbox import REMEMBERED_TASKS
from tests.load.aftermath import Aftermath, read_aftermath
from tests.load.deployment import started_deployment
from tests.load.sampler import TOLERATED, Sampler
from tests.load.traffic import Traffic
from tests.load.verdict import Trend, trend_of

__all__ = ["Report", "Soak", "soak"]

_WARM_UP_SHARE: Final = 0.2
_BURST: Final = 200
"""So many for each worker at once, first of all: it opens all connections that it may open, which
would otherwise come one by one in the busiest moments."""


@dataclass(frozen=True)
class Soak:
    """How long, how much, and how often it is looked at."""

    seconds: float
    tasks_per_second: float
    workers: int = 1
    sample_seconds: float = 5.0
    remember_seconds: float = 60.0
    """Short, so that the keys in Redis can reach their plateau."""

    @property
    def warm_up_seconds(self) -> float:
        """Until what is bounded is full: the first keys in Redis expire, and the producer's table
        of tasks has its last size. That it gets when old entries take as much room as new ones:
        by twice what it remembers. A fifth of the time at least, half of it at most for the latter.
        """
        forgets_after = min(2 * REMEMBERED_TASKS / self.tasks_per_second, self.seconds / 2)
        expires_after = self.remember_seconds + 2 * self.sample_seconds
        return max(_WARM_UP_SHARE * self.seconds, expires_after, forgets_after)


class Report(msgspec.Struct, frozen=True):
    """What a soak saw."""

    sent: int
    lost: int
    wrong: int
    calls: int
    reached_per_second: float
    aftermath: Aftermath
    samples: Mapping[tuple[str, str], list[tuple[float, float]]]

    @property
    def answered_twice(self) -> int:
        """Results on the wire beyond one for each task that was answered."""
        return max(self.aftermath.results_on_the_wire - (self.sent - self.lost), 0)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, wrong, doubled or left behind."""
        left = self.aftermath.messages_left or self.aftermath.keys_without_lifetime
        doubled = self.run_twice or self.answered_twice
        return not (self.lost or self.wrong or doubled or left)

    @property
    def run_twice(self) -> int:
        """Provider calls beyond one for each task that was answered."""
        return max(self.calls - (self.sent - self.lost), 0)


async def soak(plan: Soak, environment: Mapping[str, str], prefix: str) -> Report:
    """Run it on the services that the environment names, and leave them as they were found."""
    async with started_deployment(
        environment, prefix, plan.workers, plan.remember_seconds
    ) as deployed:
        traffic = deployed.traffic
        sampler = Sampler(deployed)
        await _watched(traffic, sampler, plan)
        calls = sum([(await worker.pulse()).calls for worker in deployed.workers])
        aftermath = await read_aftermath(deployed, prefix)
    return Report(
        sent=traffic.sent,
        lost=traffic.lost,
        wrong=traffic.wrong,
        calls=calls,
        reached_per_second=traffic.reached_per_second,
        aftermath=aftermath,
        samples=sampler.samples,
    )


async def _watched(traffic: Traffic, sampler: Sampler, plan: Soak) -> None:
    await traffic.burst(_BURST * plan.workers)
    watching = asyncio.create_task(sampler.every(plan.sample_seconds))
    flowing = asyncio.create_task(traffic.flow(plan.seconds, plan.tasks_per_second))
    try:
        await asyncio.wait((watching, flowing), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # raises what ended it
        await flowing
    finally:
        for task in (flowing, watching):
            task.cancel()
        await asyncio.wait((flowing, watching))


def _trends(report: Report, warm_up_seconds: float) -> dict[tuple[str, str], Trend]:
    return {
        (who, what): trend_of(
            [sample for sample in samples if sample[0] >= warm_up_seconds], TOLERATED[what]
        )
        for (who, what), samples in report.samples.items()
    }


def _print(report: Report, trends: Mapping[tuple[str, str], Trend]) -> None:
    print(f"{'':26} {'first':>9} {'last':>9} {'per 10 min':>11}  verdict")
    for (who, what), trend in trends.items():
        print(
            f"{who + ', ' + what:26} {trend.first:9.1f} {trend.last:9.1f}"
            f" {trend.slope_per_10_minutes:+11.2f}  {'GROWING' if trend.grows else 'flat'}"
        )
    print(
        f"{report.sent} tasks at {report.reached_per_second:.1f}/s: {report.lost} lost,"
        f" {report.wrong} wrong, {report.run_twice} run twice ({report.calls} provider calls),"
        f" {report.answered_twice} answered twice; left: {report.aftermath.messages_left} messages,"
        f" {report.aftermath.keys_without_lifetime} keys without a lifetime;"
        f" load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Soak, print the figures, and end with the verdict."""
    parser = argparse.ArgumentParser("python -m tests.load.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=200.0, help="tasks per second")
    parser.add_argument("--workers", type=int, default=1, help="worker processes")
    arguments = parser.parse_args()
    plan = Soak(arguments.minutes * 60, arguments.rate, arguments.workers)
    if plan.seconds < 2 * plan.warm_up_seconds:
        shortest = 2 * plan.warm_up_seconds / 60
        parser.error(f"--minutes must be {shortest:.1f} at least: Redis keys must reach a plateau")
    prefix = f"soak-{os.getpid()}"
    report = asyncio.run(soak(plan, os.environ, prefix))  # noqa: TID251  the program's entry point
    trends = _trends(report, plan.warm_up_seconds)
    _print(report, trends)
    grows = any(trend.grows for trend in trends.values())
    sys.exit(0 if report.is_clean and not grows else 1)


if __name__ == "__main__":
    main()
