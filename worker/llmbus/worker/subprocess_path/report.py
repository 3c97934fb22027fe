"""From the end of a script to an `ExecutionResult`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from llmbus.shared.clock import Clock
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.llm_abstractions.errors import without_secrets
from llmbus.worker.subprocess_path.answer import Answer, failure_of, read_answer
from llmbus.worker.subprocess_path.problems import Problem, ScriptProblem
from llmbus.worker.subprocess_path.process import ProcessEnd

__all__ = ["ScriptReport"]


class ScriptReport:
    """Tells how one run of a script ended. Made when it starts."""

    def __init__(self, task: AgentTask, fallback_reason: str | None, clock: Clock) -> None:
        self._task = task
        self._clock = clock
        self._started_at = clock.now()
        self._secrets: list[str] = []
        self._exit_code = 0
        self._told: dict[str, Any] = {"execution_mode": "subprocess"}
        if fallback_reason is not None:
            self._told["fallback_reason"] = fallback_reason

    def keep_secret(self, secrets: Iterable[str]) -> None:
        """Blot these out of every text."""
        self._secrets += secrets

    def note_exit(self, end: ProcessEnd) -> None:
        """The exit code belongs to every result; that of a killed script is the negative signal."""
        if end.exit_code is not None:
            self._exit_code = self._told["exit_code"] = end.exit_code
        elif end.signal is not None:
            self._exit_code = self._told["exit_code"] = -end.signal

    def clean(self, text: str) -> str:
        """The text without secrets."""
        return without_secrets(text, *self._secrets)

    def of_problem(self, problem: Problem) -> ExecutionResult:
        """The failed result of a script that gave no usable answer."""
        which, text = problem
        self._told["script_problem"] = which.value
        timed_out = which is ScriptProblem.TIME_LIMIT
        kind = FailureKind.TIMEOUT if timed_out else FailureKind.SCRIPT
        return self._result(ExecutionStatus.FAILED, Failure(kind, self.clean(text)))

    def of_answer(self, end: ProcessEnd) -> ExecutionResult:
        """What the script answered, or why that cannot be used."""
        answer = read_answer(end.stdout, self._exit_code, self._task.task_id)
        if not isinstance(answer, Answer):
            return self.of_problem(answer)
        failure = failure_of(answer, self._exit_code)
        if failure is not None:
            failure = msgspec.structs.replace(failure, message=self.clean(failure.message))
        provenance = {"provider": answer.provider, "model": answer.model or None}
        known = {name: value for name, value in provenance.items() if value is not None}
        self._told = answer.metadata | known | self._told
        result = self._result(answer.status, failure)
        result.output = self.clean(answer.output)
        result.usage = answer.consumed
        return result

    def _result(self, status: ExecutionStatus, failure: Failure | None) -> ExecutionResult:
        return ExecutionResult(
            task_id=self._task.task_id,
            agent=self._task.agent,
            status=status,
            started_at=self._started_at,
            completed_at=self._clock.now(),
            error=failure.message if failure else "",
            metadata=self._told,
            failure=failure,
        )
