"""Many tasks at once: none fails, and nothing stays behind.

As a program: `python -m tests.services run -- python tests/load/test_concurrent_execution.py
--tasks=100`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

if __package__ in (None, ""):  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil
import pytest

from tests.load.deployment import started_deployment
from tests.services.endpoints import REDIS_URL_VARIABLE
from tests.support.services import service_url


async def concurrent(tasks: int, environment: Mapping[str, str], prefix: str) -> str:
    """What went wrong with so many tasks at once; empty if nothing did."""
    before = _open_things()
    async with AsyncExitStack() as stack:
        deployed = await stack.enter_async_context(started_deployment(environment, prefix, 1, 60))
        await deployed.traffic.burst(tasks)
        traffic, [worker] = deployed.traffic, deployed.workers
        calls = (await worker.pulse()).calls
    problems = {
        "lost": traffic.lost,
        "wrong": traffic.wrong,
        "unanswered": tasks - traffic.answered,
        "provider calls too many": calls - tasks,
        "descriptors or processes left": _open_things() != before,
    }
    return ", ".join(f"{what}: {count}" for what, count in problems.items() if count)


def _open_things() -> tuple[int, int]:
    me = psutil.Process()
    return me.num_fds(), len(me.children(recursive=True))


@pytest.mark.parametrize("tasks", [100, 1_000])
async def test_concurrent_tasks_neither_fail_nor_leak(tasks: int, key_prefix: str) -> None:
    service_url(REDIS_URL_VARIABLE)
    assert not await concurrent(tasks, os.environ, key_prefix)


def main() -> None:
    """Ends with 1 and says why if something failed or leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100)
    tasks = parser.parse_args().tasks
    problems = asyncio.run(  # noqa: TID251  the program's entry point
        concurrent(tasks, os.environ, f"concurrent-{os.getpid()}")
    )
    print(problems or f"{tasks} tasks at once: none failed, nothing leaked")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
