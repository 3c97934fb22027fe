"""The task scripts in tests: as processes, with nothing of this machine's keys and settings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmbus.shared import AgentTask
from llmbus.worker.provider_simulator import Simulator
from tests.services.processes import BOUND_EXEC
from tests.support.programs import PATIENCE_SECONDS

__all__ = [
    "FOLDER",
    "Ended",
    "a_task",
    "environment",
    "run_script",
    "script_command",
    "simulated_providers",
    "started",
]

FOLDER: Final = Path(__file__).parents[2] / "worker/llmbus/worker/llm_execution"

_FOREIGN: Final = (
    "LLMBUS_",
    "OPENAI_",
    "ANTHROPIC_",
    "GOOGLE_",
    "GEMINI_",
    "CUSTOM_LLM_",
    "META_LLAMA_",
    "PYTHON",
)


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """What stands on stdout: exactly one line of JSON."""
        assert self.out.count("\n") == 1, self
        answer: dict[str, Any] = json.loads(self.out)
        return answer

    @property
    def refusal(self) -> dict[str, Any]:
        """The JSON on the last line of stderr."""
        refusal: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        return refusal


def a_task(**fields: Any) -> dict[str, Any]:
    """A task as callers write it, with these fields instead or beside."""
    task = AgentTask(task_id="t-1", title="Parser", description="Write it.", agent="claude-code")
    return task.to_dict() | fields


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's, without keys and settings of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | settings


def script_command(name: str, *options: str, as_module: bool = False) -> list[str]:
    """By which one starts `execute_<name>.py`, with these options of Python."""
    script = FOLDER / f"execute_{name}.py"
    if as_module:
        return [sys.executable, *options, "-m", f"llmbus.worker.llm_execution.{script.stem}"]
    return [sys.executable, *options, str(script)]


@asynccontextmanager
async def started(
    command: Sequence[str], settings: dict[str, str], folder: Path | None = None
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The running command, with pipes; killed at the end of the block if it still runs. It also
    ends when the test runner is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), "0"),
        *command,
        env=environment(settings),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.communicate()


async def run_script(
    command: Sequence[str],
    stdin: object,
    settings: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Ended:
    """Give it this on stdin, bytes as they are and all else as JSON, and wait for its end."""
    body = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
    async with started(command, settings or {}, folder) as process:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate(body)
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())


def simulated_providers(simulator: Simulator, key: str) -> dict[str, str]:
    """The environment in which every script asks this simulator, by this key."""
    return {
        "ANTHROPIC_API_KEY": key,
        "ANTHROPIC_BASE_URL": simulator.anthropic_url,
        "OPENAI_API_KEY": key,
        "OPENAI_BASE_URL": simulator.openai_url,
        "GOOGLE_API_KEY": key,
        "GOOGLE_GEMINI_BASE_URL": simulator.gemini_url,
        "CUSTOM_LLM_ENDPOINT": simulator.openai_url,
        "CUSTOM_LLM_API_KEY": key,
        "CUSTOM_LLM_MODEL": "my-model",
    }
