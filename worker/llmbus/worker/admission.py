"""What is settled before any run: is the task still wanted, who is asked, how long may it take."""

from __future__ import annotations

from datetime import timedelta

from llmbus.shared.bus.interface import Message
from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent, attempt_of, requested_agent_of
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.executor import failed_result
from llmbus.worker.outcome import Expired, Failed
from llmbus.worker.time_limit import TimeLimit

__all__ = ["Admission"]


class Admission:
    """Turns tasks down, and signs results, in the name of one worker."""

    def __init__(
        self, registry: AgentRegistry, clock: Clock, worker_id: str, timeout: timedelta
    ) -> None:
        """`timeout` holds for tasks that name no time limit."""
        self._registry = registry
        self._clock = clock
        self._worker_id = worker_id
        self._timeout = timeout

    def admit(self, task: AgentTask, message: Message) -> RequestedAgent | Expired | Failed:
        """The agent to ask, or why nobody is asked."""
        limit = self.time_limit(task)
        if limit.is_over:
            return Expired(self.turned_down(task, message, limit.failure()))
        agent = requested_agent_of(message) or self._registered(task.agent)
        if agent is None:
            unknown = Failure(
                FailureKind.UNKNOWN_AGENT,
                f"agent {task.agent!r} is not known to worker {self._worker_id} and the message"
                " does not describe it: submit it with an orchestrator that has registered it",
            )
            return Failed(self.turned_down(task, message, unknown))
        return agent

    def turned_down(self, task: AgentTask, message: Message, failure: Failure) -> ExecutionResult:
        """The result of a task that is not started for this message."""
        result = failed_result(task, failure, self._clock.now())
        return self.signed(result, attempt_of(message) - 1)

    def cancelled(self, task: AgentTask, reason: str, attempts: int) -> ExecutionResult:
        """The result of a task that was cancelled after so many attempts were started."""
        result = ExecutionResult(
            task_id=task.task_id,
            agent=task.agent,
            status=ExecutionStatus.CANCELLED,
            started_at=self._clock.now(),
            error=f"cancelled: {reason}",
        )
        return self.signed(result, attempts)

    def time_limit(self, task: AgentTask) -> TimeLimit:
        """Of an attempt that starts now."""
        return TimeLimit.of(task, self._timeout, self._clock.now())

    def signed(self, result: ExecutionResult, attempts: int) -> ExecutionResult:
        """The result, with who made it, when, and in which attempt."""
        result.attempts = attempts
        result.worker_id = self._worker_id
        result.completed_at = self._clock.now()
        return result

    def _registered(self, name: str) -> RequestedAgent | None:
        config = self._registry.get_agent(name)
        return RequestedAgent.from_config(config) if config is not None else None
