"""The commands that an operator gives while the suite strikes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from tests.faults.environment import environment_of
from tests.faults.history import Fact
from tests.faults.world import World

__all__ = ["redrive", "run_llmbus", "run_llmbus_until_done"]

_OPERATORS: Final = 2
_TRIES: Final = 12
_PAUSE_SECONDS: Final = 0.5


async def redrive(world: World, task_id: str) -> None:
    """By two operators at once."""
    world.history.record(Fact.REDRIVEN, task=task_id)
    asked = ("parking", "redrive", "--task", task_id)
    await asyncio.gather(*(run_llmbus_until_done(world, *asked) for _ in range(_OPERATORS)))


async def run_llmbus_until_done(world: World, *arguments: str) -> None:
    """Again and again while it fails, as where the broker is away or a queue is full."""
    for _ in range(_TRIES):
        if await run_llmbus(world, *arguments) == 0:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def run_llmbus(world: World, *arguments: str) -> int:
    """The exit code. Its output goes nowhere."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("llmbus"),
        *arguments,
        env=await environment_of("operator", world.links),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
