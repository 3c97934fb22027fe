"""`python -m benchmarks`: llmbus and a hand-written loop, side by side. See README.md beside it."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks import measures, results
from benchmarks.contender import Address
from benchmarks.imports import import_cost
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.report import print_table, write_json
from benchmarks.results import Line
from tests.services.endpoints import AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE
from tests.support.rabbit_api import RabbitApi
from tests.support.redis_keys import delete_keys

__all__ = ["measure"]

_SERVICES = (AMQP_URL_VARIABLE, API_URL_VARIABLE, REDIS_URL_VARIABLE)


async def measure(plan: Plan) -> list[Line]:
    """Everything that the plan asks for, on the services that the environment names. They are
    left as they were found."""
    amqp_url, api_url, redis_url = (os.environ[variable] for variable in _SERVICES)
    async with RabbitApi(api_url) as api:
        vhost = await api.create_vhost()
        try:
            with _addresses(vhost.url(amqp_url), redis_url) as addresses:
                return await _measure(plan, addresses.__next__)
        finally:
            await api.delete_vhost(vhost)


async def _measure(plan: Plan, new_address: measures.NewAddress) -> list[Line]:
    lines: list[Line] = []
    for concurrency in plan.rushes:
        _tell(f"tasks as fast as possible, concurrency {concurrency}")
        costs = await measures.rushes(plan, concurrency, new_address)
        lines += results.rush_lines(concurrency, costs)
    _tell("unloaded round trips")
    lines += results.round_trip_lines(await measures.round_trips(plan, new_address))
    _tell(f"memory with {plan.in_flight} tasks in flight")
    growth = await measures.kilobytes_in_flight(plan, new_address)
    lines += results.memory_lines(plan.in_flight, growth)
    _tell("imports")
    return lines + results.import_lines(await asyncio.to_thread(import_cost, plan.imports))


@contextmanager
def _addresses(amqp_url: str, redis_url: str) -> Generator[Iterator[Address]]:
    prefix = f"benchmark-{secrets.token_hex(4)}"
    try:
        yield (Address(amqp_url, redis_url, f"{prefix}-{number}") for number in count())
    finally:
        delete_keys(redis_url, prefix)


def _tell(what: str) -> None:
    print(f"benchmarks: {what} …", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, and write what was asked for. Ends with 0 even if a goal is missed: figures
    of a shared machine must not fail a build."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there, too")
    arguments = parser.parse_args()
    if any(variable not in os.environ for variable in _SERVICES):
        parser.exit(2, "benchmarks: needs RabbitMQ and Redis: run `make bench`, which has them\n")
    lines = asyncio.run(measure(QUICK if arguments.quick else FULL))  # noqa: TID251
    print_table(lines)
    if arguments.json is not None:
        write_json(arguments.json, lines)


if __name__ == "__main__":
    main()
