"""The real `llmbus` command, run as people run it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

LLMBUS = Path(sys.executable).with_name("llmbus")


@dataclass(frozen=True)
class Ended:
    """How one run of the command ended."""

    code: int | None
    out: str
    err: str


async def start(*arguments: str, **settings: str) -> asyncio.subprocess.Process:
    """The command with these settings, and without those of the shell."""
    inherited = {name: value for name, value in os.environ.items() if "LLMBUS_" not in name}
    return await asyncio.create_subprocess_exec(
        LLMBUS,
        *arguments,
        env=inherited | settings,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def llmbus(*arguments: str, **settings: str) -> Ended:
    return await ended(await start(*arguments, **settings))
