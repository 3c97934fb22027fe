"""The fallback: from a dead-lettered message to an outcome, by the agent's old script."""

from __future__ import annotations

from typing import Final

from llmbus.shared.bus.interface import Message
from llmbus.shared.envelope import RequestedAgent, attempt_of, fallback_reason_of
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.admission import Admission
from llmbus.worker.direct_path import FallbackReason
from llmbus.worker.executor import BeforeCall
from llmbus.worker.outcome import Completed, Expired, FailedAndParked, Outcome
from llmbus.worker.script_path import ScriptPath
from llmbus.worker.subprocess_path import ScriptEnd

__all__ = ["FallbackExecution"]

_DELIVERY_LIMIT: Final = (
    "the broker's delivery limit: its workers died or lost it again and again; look for the cause"
    " in it before it is redriven"
)


class FallbackExecution:
    """Runs the script of the task's agent, once, and says how it ended. Never raises, except when
    it is cancelled; then the script and its children are dead."""

    def __init__(self, script_path: ScriptPath, admission: Admission) -> None:
        self._script_path = script_path
        self._admission = admission

    async def run(self, task: AgentTask, message: Message, before_call: BeforeCall) -> Outcome:
        """One run under the task's deadline and its time limit."""
        reason = fallback_reason_of(message) or FallbackReason.DEAD_LETTERED
        if message.dead_letter_reason == "delivery_limit":
            poison = Failure(FailureKind.POISON, _DELIVERY_LIMIT)
            result = self._admission.turned_down(task, message, poison)
            return FailedAndParked(_on_this_path(result, reason), poison.message)
        await before_call()  # which may take until after the deadline
        agent = self._admission.admit(task, message)
        if not isinstance(agent, RequestedAgent):
            _on_this_path(agent.result, reason)
            return agent
        limit = self._admission.time_limit(task)
        end = await self._script_path.run(task, agent, reason=reason, timeout=limit.duration)
        failure = end.result.failure
        if failure is not None and failure.kind is FailureKind.TIMEOUT and limit.deadline:
            expired = limit.failure()
            end.result.failure, end.result.error = expired, expired.message
        self._admission.signed(end.result, attempt_of(message))
        return _decide(end)


def _on_this_path(result: ExecutionResult, reason: str) -> ExecutionResult:
    """The result of a task whose script was not started."""
    result.metadata = {"execution_mode": "subprocess", "fallback_reason": reason}
    return result


def _decide(end: ScriptEnd) -> Outcome:
    result = end.result
    if result.status is not ExecutionStatus.FAILED:
        return Completed(result)
    failure = result.failure or Failure(FailureKind.INTERNAL, result.error)
    if failure.kind is FailureKind.EXPIRED:
        return Expired(result)
    return FailedAndParked(result, f"the fallback failed, too: {failure.message}", end.stderr_tail)
