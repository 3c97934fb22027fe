"""From the answers of several agents to one result: who answered, what each cost, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from llmbus.shared.hybrid_wish import HYBRID, HybridWish
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind, Usage
from llmbus.shared.task import AgentTask

__all__ = ["Answer", "hybrid_result"]

_CERTAINLY_UNPAID: Final = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.UNAVAILABLE,
        FailureKind.CONTEXT_TOO_LONG,
        FailureKind.REJECTED,
        FailureKind.ACCOUNT,
        FailureKind.MISSING_DEPENDENCIES,
        FailureKind.MISSING_API_KEY,
        FailureKind.UNKNOWN_AGENT,
    }
)


@dataclass(frozen=True)
class Answer:
    """How one agent did. One that was cancelled has a result that says so."""

    agent: str
    result: ExecutionResult

    @property
    def succeeded(self) -> bool:
        """Whether it counts."""
        return self.result.status is ExecutionStatus.SUCCESS

    @property
    def cost_is_known(self) -> bool:
        """Whether `usage` says all that was, or may have been, billed."""
        result = self.result
        if result.usage is not None:
            return result.usage.cost_usd is not None
        if result.attempts == 0 or result.status is ExecutionStatus.PENDING:
            return True
        return result.failure is not None and result.failure.kind in _CERTAINLY_UNPAID

    def report(self) -> dict[str, Any]:
        """Plain values. All that was paid for is in them, also of those who did not win."""
        result = self.result
        return {
            "agent": self.agent,
            "status": result.status.value,
            "model": result.metadata.get("model"),
            "provider": result.metadata.get("provider"),
            "output": result.output,
            "error": result.error,
            "usage": msgspec.to_builtins(result.usage),
            "cost_usd": result.usage.cost_usd if result.usage else None,
            "duration_seconds": result.duration_seconds,
            "cancelled": result.status is ExecutionStatus.CANCELLED,
            "failure": msgspec.to_builtins(result.failure),
            "metadata": result.metadata,
        }


def hybrid_result(
    task: AgentTask,
    wish: HybridWish,
    answers: Sequence[Answer],
    winner: Answer | None,
    *,
    started_at: datetime,
    completed_at: datetime,
) -> ExecutionResult:
    """One result for all. With a winner, its own; without, that of all answers together."""
    chosen = winner.result if winner else _together(task, answers)
    report = {
        "strategy": wish.strategy.value,
        "answered_by": winner.agent if winner else None,
        "answers": [answer.report() for answer in answers],
    }
    return msgspec.structs.replace(
        chosen,
        agent=task.agent,
        started_at=started_at,
        completed_at=None if chosen.status is ExecutionStatus.PENDING else completed_at,
        attempts=sum(answer.result.attempts for answer in answers),
        usage=_total_usage(answers),
        metadata={**chosen.metadata, HYBRID: report},
    )


def _together(task: AgentTask, answers: Sequence[Answer]) -> ExecutionResult:
    """What all agree on is the status of the whole; where they differ, it has failed.

    So `all` succeeds only if every agent did: who asked for three opinions must not take two for
    three. What was paid for is not lost by that: it stands in the output and in the report.
    """
    if len(answers) == 1:
        return answers[0].result
    statuses = {answer.result.status for answer in answers}
    status = statuses.pop() if len(statuses) == 1 else ExecutionStatus.FAILED
    failure = _failure(answers) if status is ExecutionStatus.FAILED else None
    return ExecutionResult(
        task_id=task.task_id,
        agent=task.agent,
        status=status,
        started_at=answers[0].result.started_at,
        output="\n\n".join(
            f"## {a.agent}\n\n{a.result.output}" for a in answers if a.result.output
        ),
        error=failure.message if failure else "",
        metadata=_agreed(answers, "execution_mode"),
        failure=failure,
    )


def _failure(answers: Sequence[Answer]) -> Failure:
    """Why it failed, agent by agent; of the kind of the last failure. To ask again is safe only if
    nobody was paid."""
    lacking = [answer for answer in answers if not answer.succeeded]
    failures = [answer.result.failure for answer in lacking if answer.result.failure]
    reasons = "; ".join(f"{a.agent}: {a.result.error or a.result.status.value}" for a in lacking)
    waits = [f.retry_after_seconds for f in failures if f.retry_after_seconds is not None]
    return Failure(
        kind=failures[-1].kind if failures else FailureKind.INTERNAL,
        message=f"{len(lacking)} of {len(answers)} agents did not answer: {reasons}",
        retryable=len(failures) == len(answers) and all(f.retryable for f in failures),
        retry_after_seconds=max(waits, default=None),
    )


def _total_usage(answers: Sequence[Answer]) -> Usage | None:
    """The sum of what is known. A part whose cost is unknown makes that of the whole unknown."""
    known = [answer.result.usage for answer in answers if answer.result.usage is not None]
    if not known:
        return None
    costs = [usage.cost_usd for usage in known if usage.cost_usd is not None]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in known),
        output_tokens=sum(usage.output_tokens for usage in known),
        cached_tokens=sum(usage.cached_tokens for usage in known),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in known),
        cost_usd=sum(costs) if all(answer.cost_is_known for answer in answers) else None,
    )


def _agreed(answers: Sequence[Answer], key: str) -> dict[str, Any]:
    values = [answer.result.metadata.get(key) for answer in answers]
    return {key: values[0]} if values[0] is not None and len(set(values)) == 1 else {}
