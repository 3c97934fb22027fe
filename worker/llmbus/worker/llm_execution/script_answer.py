"""What a script answers: its JSON, and the exit code that goes with it."""

from __future__ import annotations

import json
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

import msgspec

from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage

__all__ = ["ScriptAnswer", "ScriptExit", "answer_of", "exit_of"]


class ScriptExit(IntEnum):
    """How a script ends. Callers rely on the numbers."""

    OK = 0
    FAILED = 1
    CONFIGURATION = 2
    """No key, no address, no SDK, a wrong setting: nothing was sent."""
    BAD_TASK = 3
    """Nothing was sent, and stdout is empty."""


_CONFIGURATION_KINDS: Final = frozenset(
    {FailureKind.MISSING_API_KEY, FailureKind.MISSING_DEPENDENCIES, FailureKind.UNKNOWN_AGENT}
)


class ScriptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. The fields up to `exit_code` are those that existing callers use."""

    status: ExecutionStatus
    output: str = ""
    error: str = ""
    task_id: str = ""
    agent: str = ""
    model: str = ""
    """The one that answered; else the one that was asked for, if the caller said."""
    execution_time_seconds: float = 0.0
    tokens_used: int = 0
    """Input and output; 0 also where the provider did not say, and then `usage` is null."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    timestamp: datetime
    """When the answer was complete."""
    exit_code: ScriptExit
    provider: str | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    """Why it failed, in a form a program can act on; None where it did not."""
    metadata: dict[str, Any] = {}

    def to_json(self) -> str:
        """One line of plain ASCII, without its end: half a surrogate pair in an answer that is paid
        for cannot keep it from being written."""
        return json.dumps(msgspec.to_builtins(self))


def exit_of(failure: Failure | None) -> ScriptExit:
    """The exit code that goes with this failure, or with none."""
    if failure is None:
        return ScriptExit.OK
    unusable = failure.kind in _CONFIGURATION_KINDS
    return ScriptExit.CONFIGURATION if unusable else ScriptExit.FAILED


def answer_of(
    result: ExecutionResult, exit_code: ScriptExit, *, requested_model: str, now: datetime
) -> ScriptAnswer:
    """The answer that says what this result says."""
    usage = result.usage or Usage()
    return ScriptAnswer(
        status=result.status,
        output=result.output,
        error=result.error,
        task_id=result.task_id,
        agent=result.agent,
        model=result.metadata.get("model") or requested_model,
        execution_time_seconds=max(0.0, (now - result.started_at).total_seconds()),
        tokens_used=usage.input_tokens + usage.output_tokens,
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        timestamp=now,
        exit_code=exit_code,
        provider=result.metadata.get("provider"),
        usage=result.usage,
        failure=result.failure,
        metadata=result.metadata,
    )
