"""Reading what a script printed: one JSON object, or what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

import msgspec

from llmbus.shared.result import ExecutionStatus, Failure, FailureKind, Usage
from llmbus.worker.subprocess_path.problems import Problem, ScriptProblem

__all__ = ["Answer", "failure_of", "is_contradicted", "read_answer", "read_refusal"]

_BAD_TASK: Final = 3
_CONFIGURATION: Final = 2
_ENDS: Final = frozenset({ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.PENDING})
_JSON: Final = msgspec.json.Decoder(Any)
_UNREADABLE: Final = (ValueError, RecursionError)
"""What decoders raise: msgspec's errors are `ValueError`s."""


class Answer(msgspec.Struct, frozen=True):
    """What a script says. The old scripts know no `usage`, `failure` and `provider`."""

    status: ExecutionStatus
    output: str | None = None
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


def read_answer(stdout: bytes, task_id: str) -> Answer | Problem:
    """The script's answer to this task; or why what it printed is none."""
    text = stdout.strip()
    if not text:
        return ScriptProblem.NO_ANSWER, "the script printed nothing"
    try:
        fields = _JSON.decode(text)
    except _UNREADABLE:
        return _unreadable(text)
    if not isinstance(fields, dict):
        return _wrong(f"the script's answer is no JSON object but a {type(fields).__name__}")
    try:
        answer = _answer_of(cast(dict[str, Any], fields))
    except msgspec.ValidationError as error:
        return _wrong(f"the script's answer is wrong: {error}")
    if answer.status not in _ENDS:
        return _wrong(f"the script's answer is wrong: a task cannot end {answer.status.value!r}")
    if answer.status is ExecutionStatus.SUCCESS and answer.output is None:
        return _wrong("the script's answer is wrong: it says 'success' and has no `output`")
    if answer.task_id not in ("", task_id):
        return _wrong(f"the script answered for task {answer.task_id!r} in place of {task_id!r}")
    return answer


def read_refusal(stderr: bytes, exit_code: int | None, task_id: str) -> Answer | None:
    """A script that is given a bad task says so on stderr, among whatever notes."""
    if exit_code != _BAD_TASK:
        return None
    starts = [0, *(found.end() for found in re.finditer(rb"\n", stderr))]
    for start in reversed(starts):
        line, _, _ = stderr[start:].partition(b"\n")
        for said in (line, stderr[start:]) if line.startswith(b"{") else ():
            answer = read_answer(said, task_id)
            if isinstance(answer, Answer) and answer.status is ExecutionStatus.FAILED:
                return answer
    return None


def is_contradicted(answer: Answer, exit_code: int) -> bool:
    """Whether the exit code says otherwise: 0 stands for all but a failure."""
    return (answer.status is ExecutionStatus.FAILED) is (exit_code == 0)


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
    """The old scripts end with 2 for one of two reasons, and tell which in words alone."""
    if re.search(r"not installed|no module|pip install|import", error, re.IGNORECASE):
        return FailureKind.MISSING_DEPENDENCIES
    if re.search(r"key|endpoint|not set", error, re.IGNORECASE):
        return FailureKind.MISSING_API_KEY
    return FailureKind.SCRIPT


def _answer_of(fields: dict[str, Any]) -> Answer:
    """A field that is null counts as not said."""
    return msgspec.convert(
        {name: said for name, said in fields.items() if said is not None}, Answer
    )


def _wrong(text: str) -> Problem:
    return ScriptProblem.WRONG_ANSWER, text


def _unreadable(text: bytes) -> Problem:
    if _is_several(text):
        return ScriptProblem.SEVERAL_ANSWERS, "the script printed more than one JSON value"
    return ScriptProblem.GARBAGE, "the script printed what is not JSON"


def _is_several(text: bytes) -> bool:
    """Whether it begins with two whole JSON values, whatever is between them."""
    decoder = json.JSONDecoder()
    try:
        said = text.decode()
        _, end = decoder.raw_decode(said)
        decoder.raw_decode(said[end:].lstrip())
    except _UNREADABLE:
        return False
    return True
