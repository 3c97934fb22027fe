"""An operator: an environment file, the rollback script, and what a supervisor does meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.acceptance.deployment import Deployment, HeldOpenAi
from tests.support.programs import PATIENCE_SECONDS, Program

__all__ = ["VARIABLE", "Operator", "fallback_of", "operator_of", "outcome", "untouched"]

SCRIPT: Final = Path(__file__).parents[2] / "docs/EXECUTOR-ROLLBACK-PROCEDURE.sh"
VARIABLE: Final = "LLMBUS_USE_DIRECT_LLM"


@dataclass(frozen=True)
class Operator:
    """Has an environment file, and a shell that knows nothing of the deployment but that."""

    deployment: Deployment
    file: Path

    @property
    def settings(self) -> dict[str, str]:
        """What a supervisor reads from the file."""
        lines = (line.partition("=") for line in self.file.read_text().splitlines())
        return {name: value for name, _, value in lines if name and not name.startswith("#")}

    async def begin(self, *arguments: str | int) -> asyncio.subprocess.Process:
        """Start the script."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return await asyncio.create_subprocess_exec(
            "bash",
            SCRIPT,
            *("--env-file", self.file, "--timeout", f"{PATIENCE_SECONDS:g}"),
            *map(str, arguments),
            env={"PATH": programs},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def run(self, *arguments: str | int) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr of the script."""
        return await outcome(await self.begin(*arguments))

    async def worker(self, name: str) -> Program:
        """A worker as a supervisor starts it."""
        return await self.deployment.worker(name, **self.settings)


async def outcome(script: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    try:
        out, err = await asyncio.wait_for(script.communicate(), 2 * PATIENCE_SECONDS)
    finally:
        if script.returncode is None:
            script.kill()
    return script.returncode, out.decode(), err.decode()


def operator_of(deployment: Deployment, openai: HeldOpenAi) -> Operator:
    """Whose workers would ask this server."""
    file = deployment.folder / "worker.env"
    environment = {
        name: value
        for name, value in deployment.programs.environment.items()
        if name.startswith("LLMBUS_")
    }
    lines = [f"{name}={value}" for name, value in (environment | openai.environment).items()]
    file.write_text("\n".join(["# One deployment", *lines, "LLMBUS_GRACE_SECONDS=30"]) + "\n")
    file.chmod(0o600)
    return Operator(deployment, file)


@asynccontextmanager
async def fallback_of(operator: Operator) -> AsyncGenerator[Program]:
    fallback = await operator.deployment.programs.llmbus("fallback", **operator.settings)
    await fallback.until_logged("worker_started")
    yield fallback
    fallback.send(signal.SIGTERM)
    assert await fallback.exit_code() == 0


def untouched(file: Path) -> tuple[object, ...]:
    """Differs if anybody has written the file, or beside it."""
    status = file.stat()
    beside = sorted(path.name for path in file.parent.iterdir())
    return file.read_bytes(), status.st_ino, status.st_mtime_ns, status.st_mode, beside
