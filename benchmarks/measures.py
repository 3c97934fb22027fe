"""The measurements: every contender in turn, round by round, in the same minute."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from benchmarks.contender import Address, Contender
from benchmarks.pair import Pair, RushCost, started_pair
from benchmarks.plan import Plan

__all__ = ["NewAddress", "kilobytes_in_flight", "round_trips", "rushes"]

NewAddress = Callable[[], Address]
"""Queues that nobody has used."""

_BOTH: Final = (Contender.LLMBUS, Contender.BY_HAND)
_EVERYONE: Final = (Contender.LLMBUS, Contender.LLMBUS_LOGGING, Contender.BY_HAND)
_ROUND_TRIP_CONCURRENCY: Final = 16


async def rushes(
    plan: Plan, concurrency: int, new_address: NewAddress
) -> dict[Contender, list[RushCost]]:
    """Tasks as fast as possible, by one worker of this concurrency."""
    costs: dict[Contender, list[RushCost]] = {contender: [] for contender in _EVERYONE}
    async with _started(_EVERYONE, concurrency, new_address) as pairs:
        for pair in _in_turn(pairs, plan):
            costs[pair.contender].append(await pair.rush(plan.rushes[concurrency]))
    return costs


async def round_trips(plan: Plan, new_address: NewAddress) -> dict[Contender, list[list[float]]]:
    """The milliseconds of single tasks with nothing else to do; each round's are sorted."""
    trips: dict[Contender, list[list[float]]] = {contender: [] for contender in _BOTH}
    async with _started(_BOTH, _ROUND_TRIP_CONCURRENCY, new_address) as pairs:
        for pair in _in_turn(pairs, plan):
            trips[pair.contender].append(await pair.round_trips(plan.round_trips))
    return trips


async def kilobytes_in_flight(
    plan: Plan, new_address: NewAddress
) -> dict[Contender, list[tuple[float, float]]]:
    """By how much a task in flight makes worker and orchestrator grow, in fresh processes: one
    that has held a thousand tasks before does not grow again."""
    growth: dict[Contender, list[tuple[float, float]]] = {contender: [] for contender in _BOTH}
    for _ in range(plan.memory_rounds):
        for contender in _BOTH:
            async with started_pair(contender, new_address(), plan.in_flight) as pair:
                growth[contender].append(await pair.kilobytes_in_flight(plan.in_flight))
    return growth


@asynccontextmanager
async def _started(
    contenders: Sequence[Contender], concurrency: int, new_address: NewAddress
) -> AsyncGenerator[list[Pair]]:
    async with AsyncExitStack() as started:
        yield [
            await started.enter_async_context(started_pair(contender, new_address(), concurrency))
            for contender in contenders
        ]


def _in_turn(pairs: Sequence[Pair], plan: Plan) -> Iterator[Pair]:
    """Every other round backwards, so that nobody always comes first."""
    ends_at = time.monotonic() + plan.round_seconds
    for turn in range(plan.rounds):
        if turn and time.monotonic() > ends_at:
            return
        yield from pairs[:: -1 if turn % 2 else 1]
