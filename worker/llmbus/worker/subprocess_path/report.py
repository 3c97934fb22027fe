"""From the end of a script to an `ExecutionResult`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llmbus.shared.clock import Clock
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.subprocess_path.answer import (
    Answer,
    failure_of,
    is_contradicted,
    read_answer,
    read_refusal,
)
from llmbus.worker.subprocess_path.problems import Problem, ScriptProblem
from llmbus.worker.subprocess_path.process import ProcessEnd
from llmbus.worker.subprocess_path.redaction import Redaction

__all__ = ["ScriptReport"]

_KEPT_CHARACTERS: Final = 64 * 1024
"""Of what a script printed that cannot be used: it may have been paid for."""
_REFUSAL_BYTES: Final = 64 * 1024
_SHOWN_CHARACTERS: Final = 200
_LAST_WORDS_CHARACTERS: Final = 300
_LONGEST_ERROR: Final = 4_096


class ScriptReport:
    """Tells how one run of a script ended. Made when it starts."""

    def __init__(self, task: AgentTask, fallback_reason: str | None, clock: Clock) -> None:
        self._task = task
        self._clock = clock
        self._started_at = clock.now()
        self._told: dict[str, Any] = {"execution_mode": "subprocess"}
        if fallback_reason is not None:
            self._told["fallback_reason"] = fallback_reason

    def of_failure(self, failure: Failure) -> ExecutionResult:
        """The failed result of a task for which no script was run."""
        return self._result(ExecutionStatus.FAILED, failure)

    def of_problem(self, problem: Problem) -> ExecutionResult:
        """The failed result of a script that gave no usable answer."""
        which, text = problem
        self._told["script_problem"] = which.value
        timed_out = which is ScriptProblem.TIME_LIMIT
        kind = FailureKind.TIMEOUT if timed_out else FailureKind.SCRIPT
        return self._result(ExecutionStatus.FAILED, Failure(kind, text[:_LONGEST_ERROR]))

    def of_end(
        self, end: ProcessEnd, problem: Problem | None, redaction: Redaction
    ) -> ExecutionResult:
        """What the script answered, or why that cannot be used. `problem` is what is known to be
        wrong without a look at the answer. May take long: it reads all that was printed."""
        exit_code = self._note_exit(end)
        answer = read_answer(end.stdout, self._task.task_id)
        if not end.stdout.strip():
            answer = (
                read_refusal(end.stderr[-_REFUSAL_BYTES:], end.exit_code, self._task.task_id)
                or answer
            )
        problem = problem or _problem_with(answer, end, exit_code, redaction)
        if problem is not None:
            which, text = problem
            result = self.of_problem((which, redaction.clean(text)))
            self._keep(result, answer, end, redaction)
        else:
            assert isinstance(answer, Answer)  # noqa: S101  else there would be a problem
            result = self._of_answer(answer, failure_of(answer, exit_code), redaction)
        return result

    def _note_exit(self, end: ProcessEnd) -> int:
        """The exit code belongs to every result; that of a killed script is the negative signal."""
        if end.left_behind:
            self._told["children_killed"] = end.left_behind
        code = end.exit_code if end.signal is None else -end.signal
        if code is not None:
            self._told["exit_code"] = code
        return code or 0

    def _of_answer(
        self, answer: Answer, failure: Failure | None, redaction: Redaction
    ) -> ExecutionResult:
        """What was paid for is given as it came, but for our keys; a failure is cleaned wholly."""
        told = answer.metadata
        output = redaction.without_own(answer.output or "")
        if failure is not None:
            told, output = redaction.clean_values(told), redaction.clean(output)
            failure = _cleaned(failure, redaction)
        self._told = told | _provenance(answer) | self._told
        result = self._result(answer.status, failure)
        result.output = output
        result.usage = answer.consumed
        return result

    def _keep(
        self,
        result: ExecutionResult,
        answer: Answer | Problem,
        end: ProcessEnd,
        redaction: Redaction,
    ) -> None:
        """What was printed stays in the failed result, because it may have been paid for."""
        printed = end.stdout
        if isinstance(answer, Answer):
            printed = (answer.output or "").encode(errors="replace")
            result.usage = answer.consumed
            result.metadata |= _provenance(answer)
        result.output = redaction.head(printed, _KEPT_CHARACTERS)

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


def _problem_with(
    answer: Answer | Problem, end: ProcessEnd, exit_code: int, redaction: Redaction
) -> Problem | None:
    if isinstance(answer, Answer):
        if not is_contradicted(answer, exit_code):
            return None
        return (
            ScriptProblem.WRONG_EXIT_CODE,
            f"the script says {answer.status.value!r} and ended with {exit_code}",
        )
    which, text = answer
    if which is ScriptProblem.NO_ANSWER and end.left_behind:
        return (
            ScriptProblem.LEFT_CHILDREN,
            f"the script ended with {exit_code} and printed nothing, but left {end.left_behind}"
            " processes behind, which were killed: it must wait for what it starts",
        )
    if which is ScriptProblem.GARBAGE:
        text = f"{text}: {redaction.head(end.stdout, _SHOWN_CHARACTERS)!r}"
    return which, f"{text}; it ended with {exit_code}{_last_words(end, redaction)}"


def _last_words(end: ProcessEnd, redaction: Redaction) -> str:
    said = redaction.tail(end.stderr, _LONGEST_ERROR).strip()
    return f" and said last: {said.splitlines()[-1][:_LAST_WORDS_CHARACTERS]}" if said else ""


def _provenance(answer: Answer) -> dict[str, Any]:
    known = {"provider": answer.provider, "model": answer.model or None}
    return {name: value for name, value in known.items() if value is not None}


def _cleaned(failure: Failure, redaction: Redaction) -> Failure:
    code = failure.provider_code
    return msgspec.structs.replace(
        failure,
        message=redaction.clean(failure.message)[:_LONGEST_ERROR],
        provider_code=None if code is None else redaction.clean(code),
    )
