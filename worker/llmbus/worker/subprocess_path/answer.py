"""Reading what a script printed: one JSON object, or what is wrong with it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from llmbus.shared.result import ExecutionStatus, Failure, FailureKind, Usage
from llmbus.worker.subprocess_path.problems import Problem, ScriptProblem

__all__ = ["Answer", "failure_of", "read_answer"]

_BAD_TASK: Final = 3
_CONFIGURATION: Final = 2
_JSON: Final = msgspec.json.Decoder(Any)
_OBJECT_START: Final = re.compile(rb"[{\[]")


class Answer(msgspec.Struct, frozen=True):
    """What a script says. The old scripts know no `usage`, `failure` and `provider`."""

    status: ExecutionStatus
    output: str = ""
    error: str = ""
    task_id: str = ""
    model: str = ""
    provider: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usage: Usage | None = None
    failure: Failure | None = None
    metadata: dict[str, Any] = {}

    @property
    def consumed(self) -> Usage | None:
        """What the call consumed; None if the script does not know."""
        if self.usage is not None or not (self.prompt_tokens or self.completion_tokens):
            return self.usage
        return Usage(self.prompt_tokens, self.completion_tokens)


def read_answer(stdout: bytes, exit_code: int, task_id: str) -> Answer | Problem:
    """The script's answer to this task; or why what it printed is none."""
    text = stdout.strip()
    if not text:
        return ScriptProblem.NO_ANSWER, f"the script ended with {exit_code} and printed nothing"
    try:
        fields = _JSON.decode(text)
    except msgspec.DecodeError:
        return _unreadable(text, exit_code)
    try:
        answer = msgspec.convert(fields, Answer)
    except msgspec.ValidationError as error:
        return ScriptProblem.WRONG_ANSWER, f"the script's answer is wrong: {error}"
    if answer.task_id not in ("", task_id):
        return (
            ScriptProblem.WRONG_ANSWER,
            f"the script answered for task {answer.task_id!r} in place of {task_id!r}",
        )
    if (answer.status is ExecutionStatus.FAILED) is (exit_code == 0):
        return (
            ScriptProblem.WRONG_EXIT_CODE,
            f"the script says {answer.status.value!r} and ended with {exit_code}",
        )
    return answer


def failure_of(answer: Answer, exit_code: int) -> Failure | None:
    """Why the script failed: in its own words, else as its exit code tells."""
    if answer.status is not ExecutionStatus.FAILED:
        return None
    if answer.failure is not None:
        return answer.failure
    kinds = {_BAD_TASK: FailureKind.REJECTED, _CONFIGURATION: _configuration_kind(answer.error)}
    text = answer.error or f"the script ended with {exit_code} and did not say why"
    return Failure(kinds.get(exit_code, FailureKind.SCRIPT), text)


def _configuration_kind(error: str) -> FailureKind:
    about_key = re.search(r"key", error, re.IGNORECASE)
    return FailureKind.MISSING_API_KEY if about_key else FailureKind.MISSING_DEPENDENCIES


def _unreadable(text: bytes, exit_code: int) -> Problem:
    if _is_several(text):
        return ScriptProblem.SEVERAL_ANSWERS, "the script printed more than one JSON value"
    return (
        ScriptProblem.GARBAGE,
        f"the script ended with {exit_code} and printed what is not JSON:"
        f" {text[:200].decode(errors='replace')!r}",
    )


def _is_several(text: bytes) -> bool:
    """Whether whole JSON values follow each other, on lines of their own or without a break."""
    parts = [part for part in re.split(rb"(?<=[}\]])\s*(?=[{\[])", text) if part.strip()]
    if len(parts) < 2 or not _OBJECT_START.match(text):
        return False
    try:
        for part in parts:
            _JSON.decode(part)
    except msgspec.DecodeError:
        return False
    return True
