"""`ScriptRunner`: one task through the old script of its agent type."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from llmbus.shared.agents import AgentType
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.errors import InvalidTaskError
from llmbus.shared.result import ExecutionResult, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.llm_abstractions.redaction import without_secrets
from llmbus.worker.subprocess_path.environment import script_environment, secrets_of
from llmbus.worker.subprocess_path.private_folder import private_folder
from llmbus.worker.subprocess_path.problems import not_startable, problem_before, problem_of
from llmbus.worker.subprocess_path.process import ProcessLimits, run_process
from llmbus.worker.subprocess_path.redaction import Redaction
from llmbus.worker.subprocess_path.report import ScriptReport
from llmbus.worker.subprocess_path.script_input import script_input
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

_log = logging.getLogger("llmbus.worker")


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
        try:
            return await self._run(task, agent, report, self._limits(timeout))
        except Exception as error:
            _log.exception("script_path_defect", extra={"fields": {"task_id": task.task_id}})
            text = without_secrets(f"{type(error).__name__}: {error}")
            return ScriptEnd(report.of_failure(Failure(FailureKind.INTERNAL, text)))

    async def _run(
        self, task: AgentTask, agent: RequestedAgent, report: ScriptReport, limits: ProcessLimits
    ) -> ScriptEnd:
        script = self._script(agent.agent_type)
        if problem := problem_before(script, limits):
            return ScriptEnd(report.of_problem(problem))
        try:
            stdin = script_input(task, agent)
        except InvalidTaskError as error:
            return ScriptEnd(report.of_failure(Failure(FailureKind.REJECTED, str(error))))
        try:
            async with private_folder() as folder:
                environment = script_environment(agent.agent_type, self._environment, folder)
                command = [self._interpreter(), str(script)]
                end = await run_process(
                    command, stdin, environment=environment, folder=folder, limits=limits
                )
        except OSError as error:
            return ScriptEnd(report.of_problem(not_startable(error)))
        redaction = Redaction(secrets_of(agent.agent_type, environment))
        problem = problem_of(end, self._settings.fallback_python, limits)
        result = await asyncio.to_thread(report.of_end, end, problem, redaction)
        return ScriptEnd(result, redaction.tail(end.stderr, _TAIL_CHARACTERS))

    def _script(self, agent_type: AgentType) -> Path:
        return (self._settings.scripts_dir or _PACKAGED).absolute() / _SCRIPTS[agent_type]

    def _interpreter(self) -> str:
        """A path is meant from here, not from the script's folder; a bare name from PATH."""
        python = self._settings.fallback_python
        return str(python) if python.name == str(python) else str(python.absolute())

    def _limits(self, timeout: timedelta | None) -> ProcessLimits:
        longest = timedelta(seconds=self._settings.fallback_timeout_seconds)
        time = longest if timeout is None else min(timeout, longest)
        return ProcessLimits(time, self._settings.fallback_output_bytes)
