"""`python -m benchmarks.claims`: what claims in Redis cost a task that does nothing.

Two whole workers take turns on one broker: one claims in Redis, the other has a store that gives
every claim at once. See README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from statistics import median
from typing import Any, Final

import redis.asyncio

from benchmarks.contender import Address, Contender
from benchmarks.pair import Pair, started_pair
from tests.services.endpoints import AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE
from tests.support.rabbit_api import RabbitApi
from tests.support.redis_keys import delete_keys

__all__ = ["measure"]

_SERVICES: Final = (AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE)
_SIDES: Final = (Contender.LLMBUS, Contender.WITHOUT_CLAIMS)
_LEAST_RATIO: Final = 0.7
_MOST_ROUND_TRIPS: Final = 2.0
_HEARTBEATS_PER_SECOND: Final = 1.25
"""One renewal of all claims a second, one announcement every four."""


async def measure(
    environment: Mapping[str, str], concurrency: int, tasks: int, rounds: int
) -> tuple[list[tuple[float, float]], list[float]]:
    """Tasks per second with and without claims, and Redis round trips per task; by round."""
    amqp_url, api_url, redis_url = (environment[variable] for variable in _SERVICES)
    prefix = f"benchmark-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        stack.callback(delete_keys, redis_url, prefix)
        api = await stack.enter_async_context(RabbitApi(api_url))
        vhost = await api.create_vhost()
        stack.push_async_callback(api.delete_vhost, vhost)
        client: Any = redis.asyncio.Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
        stack.push_async_callback(client.aclose)
        pairs = [
            await stack.enter_async_context(
                started_pair(
                    side, Address(vhost.url(amqp_url), redis_url, f"{prefix}-{side}"), concurrency
                )
            )
            for side in _SIDES
        ]
        return await _rounds(pairs, client, tasks, rounds)


async def _rounds(
    pairs: Sequence[Pair], client: Any, tasks: int, rounds: int
) -> tuple[list[tuple[float, float]], list[float]]:
    speeds: list[tuple[float, float]] = []
    round_trips: list[float] = []
    for turn in range(rounds):
        speed: dict[Contender, float] = {}
        for pair in pairs[:: -1 if turn % 2 else 1]:
            before = await _reads(client)
            speed[pair.contender] = (await pair.rush(tasks)).tasks_per_second
            if pair.contender is Contender.LLMBUS:
                # one read is the question itself; the other worker's heartbeats stay in its memory
                heartbeats = _HEARTBEATS_PER_SECOND * tasks / speed[pair.contender]
                reads = await _reads(client) - before - 1 - heartbeats
                round_trips.append(reads / tasks)
        with_claims, without = (speed[side] for side in _SIDES)
        speeds.append((with_claims, without))
    return speeds, round_trips


async def _reads(client: Any) -> int:
    """Requests that Redis has read: a pipeline is one, commands inside of a script are none."""
    return int((await client.info("stats"))["total_reads_processed"])


def _print(concurrency: int, speeds: list[tuple[float, float]], round_trips: list[float]) -> None:
    ratio, trips = median(own / bare for own, bare in speeds), median(round_trips)
    claimed, bare = (median(side) for side in zip(*speeds, strict=True))
    print(f"concurrency {concurrency}, {len(speeds)} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"  tasks per second  {claimed:,.0f} with claims, {bare:,.0f} on the bare bus")
    verdict = "met" if ratio >= _LEAST_RATIO else "missed"
    print(f"  ratio             {ratio:.2f}  goal >= {_LEAST_RATIO}  {verdict}")
    verdict = "met" if round(trips, 2) <= _MOST_ROUND_TRIPS else "missed"
    print(f"  Redis round trips {trips:.2f} per task  goal <= {_MOST_ROUND_TRIPS:g}  {verdict}")


def main() -> None:
    """Measure and print. Ends with 0 even if a goal is missed."""
    parser = argparse.ArgumentParser("python -m benchmarks.claims", description=__doc__)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=2_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    if any(variable not in os.environ for variable in _SERVICES):
        parser.exit(
            2, "benchmarks: run me by python -m tests.services run -- python -m benchmarks.claims\n"
        )
    measured = measure(os.environ, given.concurrency, given.tasks, given.rounds)
    speeds, round_trips = asyncio.run(measured)  # noqa: TID251  the program's entry point
    _print(given.concurrency, speeds, round_trips)


if __name__ == "__main__":
    main()
