"""Real scripts in real processes: written into a folder, run by a `ScriptRunner`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmbus.shared import AgentTask, AgentType, ExecutionStatus
from llmbus.shared.clock import SystemClock
from llmbus.shared.envelope import RequestedAgent
from llmbus.worker.subprocess_path import ScriptEnd, ScriptProblem, ScriptRunner, ScriptSettings
from tests.support.waiting import eventually

__all__ = ["ANSWER", "GOOD", "Scripts", "problem", "until"]

AGENT = RequestedAgent(AgentType.OPENAI_GPT, "gpt-4o", 500, 0.1)
ANSWER = {"status": "success", "output": "Paris.", "task_id": "t1", "exit_code": 0}
GOOD = f"import json, sys; sys.stdin.read(); print(json.dumps({ANSWER!r}))"
OUTPUT_BYTES = 64 * 1024


class Scripts:
    """A folder of scripts, and a runner for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "sk-sekret-0123456789"}

    def write(self, code: str, name: str = "execute_gpt.py") -> Path:
        path = self.folder / name
        path.write_text(code)
        return path

    async def run(self, code: str | None = None, **settings: Any) -> ScriptEnd:
        description = settings.pop("description", "Name the capital of France.")
        if code is not None:
            self.write(code)
        return await self.run_task(AgentTask("t1", "Capital", description, "gpt-4"), **settings)

    async def run_task(self, task: AgentTask, **settings: Any) -> ScriptEnd:
        timeout = settings.pop("timeout", None)
        values: dict[str, Any] = {"scripts_dir": self.folder, "fallback_output_bytes": OUTPUT_BYTES}
        runner = ScriptRunner(
            ScriptSettings(**(values | settings)), SystemClock(), self.environment
        )
        return await runner.run(task, AGENT, reason="missing_api_key", timeout=timeout)


def problem(end: ScriptEnd) -> ScriptProblem:
    assert end.result.status is ExecutionStatus.FAILED
    assert end.result.failure is not None
    assert end.result.error == end.result.failure.message
    return ScriptProblem(end.result.metadata["script_problem"])


async def until(condition: Callable[[], bool], what: str) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, what)
