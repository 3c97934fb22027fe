"""From a message to an outcome: read, check, run under its time limits, decide. Knows no broker."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from llmbus.shared.bus.interface import Message
from llmbus.shared.clock import Clock
from llmbus.shared.codec import decode_task
from llmbus.shared.envelope import RequestedAgent, attempt_of, requested_agent_of
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.registry import AgentRegistry
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.executor import Executor, failed_result
from llmbus.worker.outcome import Completed, Expired, Failed, Outcome, Parked, RetryLater
from llmbus.worker.retry import RetryPolicy

__all__ = ["Execution", "Limits", "read_task"]


@dataclass(frozen=True)
class Limits:
    """What holds for tasks that do not say otherwise."""

    timeout: timedelta


def read_task(message: Message) -> AgentTask | Parked:
    """The task in this message; `Parked` with the reason if nobody can read it."""
    try:
        return decode_task(message.body, message.content_type)
    except InvalidInputError as error:
        return Parked(str(error))


class Execution:
    """Runs one attempt and says how it ended. Never raises, except when it is cancelled."""

    def __init__(
        self,
        executor: Executor,
        policy: RetryPolicy,
        limits: Limits,
        registry: AgentRegistry,
        clock: Clock,
        worker_id: str,
    ) -> None:
        self._executor = executor
        self._policy = policy
        self._limits = limits
        self._registry = registry
        self._clock = clock
        self._worker_id = worker_id

    async def run(self, task: AgentTask, message: Message) -> Outcome:
        """One attempt at this task, under its deadline and its time limit."""
        attempt = attempt_of(message)
        started_at = self._clock.now()
        if task.deadline is not None and started_at >= task.deadline:
            expired = _expired(task.deadline, "before the task was started")
            return Expired(self._signed(failed_result(task, expired, started_at), attempt - 1))
        agent = requested_agent_of(message) or self._registered(task.agent)
        if agent is None:
            unknown = Failure(
                FailureKind.UNKNOWN_AGENT,
                f"agent {task.agent!r} is not known to worker {self._worker_id} and the message"
                " does not describe it: submit it with an orchestrator that has registered it",
            )
            return Failed(self._signed(failed_result(task, unknown, started_at), attempt - 1))
        result = await self._attempt(task, agent, attempt, started_at)
        return self._decide(task, self._signed(result, attempt), attempt)

    async def _attempt(
        self, task: AgentTask, agent: RequestedAgent, attempt: int, started_at: datetime
    ) -> ExecutionResult:
        limit = self._limits.timeout
        if task.timeout_seconds is not None:
            limit = timedelta(seconds=task.timeout_seconds)
        cut_by_deadline = task.deadline is not None and task.deadline - started_at < limit
        if task.deadline is not None and cut_by_deadline:
            limit = task.deadline - started_at
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._executor.execute(task, agent, attempt)
        except TimeoutError:
            if task.deadline is not None and cut_by_deadline:
                failure = _expired(task.deadline, "while the task ran; the call may be billed")
            else:
                failure = Failure(
                    FailureKind.TIMEOUT,
                    f"no answer within {limit.total_seconds():g} s; the call may be billed,"
                    " so it is not repeated",
                )
            return failed_result(task, failure, started_at)

    def _decide(self, task: AgentTask, result: ExecutionResult, attempt: int) -> Outcome:
        failure = result.failure
        if result.status is ExecutionStatus.SUCCESS or failure is None:
            return Completed(result)
        if failure.kind is FailureKind.EXPIRED:
            return Expired(result)
        delay = self._policy.next_delay(
            failure,
            attempt=attempt,
            max_attempts=task.max_attempts,
            deadline=task.deadline,
            now=self._clock.now(),
            choose=random.choice,
        )
        return Failed(result) if delay is None else RetryLater(failure, delay)

    def _signed(self, result: ExecutionResult, attempts: int) -> ExecutionResult:
        result.attempts = attempts
        result.worker_id = self._worker_id
        result.completed_at = self._clock.now()
        return result

    def _registered(self, name: str) -> RequestedAgent | None:
        config = self._registry.get_agent(name)
        return RequestedAgent.from_config(config) if config is not None else None


def _expired(deadline: datetime, when: str) -> Failure:
    return Failure(FailureKind.EXPIRED, f"the deadline {deadline.isoformat()} passed {when}")
