"""`ScriptRunner`: one task through the old script of its agent type."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from llmbus.shared.agents import AgentType
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult
from llmbus.shared.task import AgentTask
from llmbus.worker.subprocess_path.environment import script_environment, secrets_of
from llmbus.worker.subprocess_path.problems import problem_before, problem_of
from llmbus.worker.subprocess_path.process import ProcessLimits, run_process
from llmbus.worker.subprocess_path.report import ScriptReport
from llmbus.worker.subprocess_path.settings import ScriptSettings

__all__ = ["ScriptEnd", "ScriptRunner"]

_SCRIPTS: Final = {
    AgentType.ANTHROPIC_CLAUDE: "execute_claude.py",
    AgentType.OPENAI_GPT: "execute_gpt.py",
    AgentType.GOOGLE_GEMINI: "execute_gemini.py",
    AgentType.META_LLAMA: "execute_custom.py",
    AgentType.CUSTOM: "execute_custom.py",
}
_PACKAGED: Final = Path(__file__).parents[1] / "llm_execution"
_TAIL_CHARACTERS: Final = 4096
_HARMLESS: Final = "\N{REPLACEMENT CHARACTER}"
"""In place of what would steer a terminal."""


@dataclass(frozen=True)
class ScriptEnd:
    """How a script ended."""

    result: ExecutionResult
    """`success`, `failed`, or `pending` where a person has to go on."""
    stderr_tail: str = ""
    """The end of what it said on stderr, 4,096 characters at most, without secrets."""


class ScriptRunner:
    """Runs the scripts as processes of their own, each with a private folder and a reduced
    environment."""

    def __init__(
        self,
        settings: ScriptSettings,
        clock: Clock,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._environment = environment

    async def run(
        self,
        task: AgentTask,
        agent: RequestedAgent,
        *,
        reason: str | None = None,
        timeout: timedelta | None = None,
    ) -> ScriptEnd:
        """Run the script of this agent's type once, within `timeout` and the settings' limit.

        `reason` says why the task is not asked directly. Never raises, except when it is cancelled:
        then the script and all of its children are dead before this is over.
        """
        report = ScriptReport(task, reason, self._clock)
        script = (self._settings.scripts_dir or _PACKAGED) / _SCRIPTS[agent.agent_type]
        if problem := problem_before(script):
            return ScriptEnd(report.of_problem(problem))
        limits = self._limits(timeout)
        async with _private_folder() as folder:
            environment = script_environment(agent.agent_type, self._environment, folder)
            end = await run_process(
                [str(self._settings.fallback_python), str(script)],
                _input(task, agent),
                environment=environment,
                folder=folder,
                limits=limits,
            )
        report.keep_secret(secrets_of(agent.agent_type, environment))
        report.note_exit(end)
        tail = report.clean(_as_tail(end.stderr))
        if problem := problem_of(end, self._settings.fallback_python, limits):
            return ScriptEnd(report.of_problem(problem), tail)
        return ScriptEnd(report.of_answer(end), tail)

    def _limits(self, timeout: timedelta | None) -> ProcessLimits:
        longest = timedelta(seconds=self._settings.fallback_timeout_seconds)
        time = longest if timeout is None else min(timeout, longest)
        return ProcessLimits(time, self._settings.fallback_output_bytes)


def _input(task: AgentTask, agent: RequestedAgent) -> bytes:
    fields = task.to_dict()
    wishes = {
        "model": task.metadata.get("model") or agent.model or None,
        "max_tokens": task.metadata.get("max_tokens", agent.max_tokens),
        "temperature": task.metadata.get("temperature", agent.temperature),
    }
    fields |= {name: value for name, value in wishes.items() if value is not None}
    fields |= {"agent_type": agent.agent_type.value, "execution_mode": "api"}
    return msgspec.json.encode(fields)


@asynccontextmanager
async def _private_folder() -> AsyncGenerator[Path]:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="llmbus-script-"))
    try:
        yield folder
    finally:
        await asyncio.shield(asyncio.to_thread(_remove, folder))


def _remove(folder: Path) -> None:
    """Also what the script made read-only. A rest that cannot be removed is left to the system."""

    def make_writable(function: Callable[[str], Any], path: str, _: object) -> None:
        with suppress(OSError):
            Path(path).parent.chmod(stat.S_IRWXU)
            function(path)

    shutil.rmtree(folder, onerror=make_writable)


def _as_tail(stderr: bytes) -> str:
    text = stderr.decode(errors="replace")[-_TAIL_CHARACTERS:]
    return "".join(sign if sign.isprintable() or sign in "\n\t" else _HARMLESS for sign in text)
