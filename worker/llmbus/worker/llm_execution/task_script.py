"""One script: read a task, run it, answer, end by a code that callers rely on."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from msgspec import structs

from llmbus.shared.agents import AgentType
from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.codec import MAX_BODY_BYTES
from llmbus.shared.errors import ConfigurationError, InvalidInputError
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.executor import failed_result
from llmbus.worker.llm_abstractions.redaction import without_secrets
from llmbus.worker.llm_execution.deprecation_timeline import warn_of_removal
from llmbus.worker.llm_execution.one_call import ask_once, providers_here
from llmbus.worker.llm_execution.script_answer import ScriptAnswer, ScriptExit, answer_of, exit_of
from llmbus.worker.llm_execution.script_input import ScriptInput, read_input
from llmbus.worker.llm_execution.script_notes import keys_here, log_to_stderr, note
from llmbus.worker.llm_execution.script_streams import (
    AnswerStream,
    StdoutLostError,
    flush_stderr,
    read_stdin,
)

__all__ = ["TaskScript"]


@dataclass(frozen=True)
class TaskScript:
    """A program for tasks of these agent types; the first is meant where a task names none."""

    agent_types: tuple[AgentType, ...]
    interactive_unless_api: bool = False
    """Whether a task that does not say `execution_mode: api` is for a person to start."""
    clock: Clock = field(default_factory=SystemClock)

    def run(self) -> ScriptExit:
        """Be the program: one task from stdin, one answer to stdout. For the main module only."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as SIGTERM: an end, not a traceback
        exit_code = self._serve()
        flush_stderr()
        return exit_code

    def _serve(self) -> ScriptExit:
        try:
            stdout = AnswerStream.reserve()
            warn_of_removal(Path(sys.argv[0]).name, self.clock, stacklevel=3)
            log_to_stderr(keys_here())
            given = read_input(read_stdin(MAX_BODY_BYTES), self.agent_types)
            stdout.require_reader()
        except InvalidInputError as error:
            return _refuse(error, self.clock.now())
        except StdoutLostError as error:
            note(f"nobody was asked, for nobody would read the answer: {error}")
            return ScriptExit.FAILED
        return _deliver(self._answer(given), stdout)

    def _answer(self, given: ScriptInput) -> ScriptAnswer:
        if self.interactive_unless_api and given.execution_mode != "api":
            result = _command_for_a_person(given.task, self.clock.now())
            exit_code = ScriptExit.OK
        else:
            result, exit_code = self._ask(given)
        return answer_of(
            result,
            exit_code,
            requested_model=str(given.task.metadata.get("model") or ""),
            now=self.clock.now(),
        )

    def _ask(self, given: ScriptInput) -> tuple[ExecutionResult, ScriptExit]:
        try:
            providers = providers_here()
        except ConfigurationError as error:
            wrong = Failure(FailureKind.INTERNAL, str(error))
            return failed_result(given.task, wrong, self.clock.now()), ScriptExit.CONFIGURATION
        result = asyncio.run(ask_once(given, providers, self.clock))  # noqa: TID251  a program
        result.metadata["execution_mode"] = "subprocess"
        return _without_keys(result), exit_of(result.failure)


def _command_for_a_person(task: AgentTask, now: datetime) -> ExecutionResult:
    command = f"Use {task.agent.removesuffix('-code')} subagent to {task.title}"
    return ExecutionResult(
        task_id=task.task_id,
        agent=task.agent,
        status=ExecutionStatus.PENDING,
        started_at=now,
        output=command,
        metadata={"execution_mode": "interactive", "command": command},
    )


def _without_keys(result: ExecutionResult) -> ExecutionResult:
    """Providers repeat the key that they refuse, and keys have more shapes than are known."""
    if result.failure is None:
        return result
    text = without_secrets(result.failure.message, *keys_here())
    return structs.replace(
        result, error=text, failure=structs.replace(result.failure, message=text)
    )


def _refuse(error: InvalidInputError, now: datetime) -> ScriptExit:
    refusal = ScriptAnswer(
        status=ExecutionStatus.FAILED,
        error=str(error),
        timestamp=now,
        exit_code=ScriptExit.BAD_TASK,
    )
    note(refusal.to_json())
    return ScriptExit.BAD_TASK


def _deliver(answer: ScriptAnswer, stdout: AnswerStream) -> ScriptExit:
    line = answer.to_json()
    try:
        stdout.write(line.encode() + b"\n")
    except StdoutLostError as error:
        # It may have been paid for: whoever still reads stderr gets it there.
        note(f"{error}; the answer was:\n{line}")
        return ScriptExit.FAILED
    return answer.exit_code
