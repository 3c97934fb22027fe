"""From a message to an outcome: read, check, run under its time limits, decide. Knows no broker."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

from llmbus.shared.bus.interface import Message
from llmbus.shared.clock import Clock
from llmbus.shared.codec import decode_task
from llmbus.shared.envelope import RequestedAgent, attempt_of, earlier_failures_of
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.result import ExecutionResult, ExecutionStatus, Failure, FailureKind
from llmbus.shared.task import AgentTask
from llmbus.worker.admission import Admission
from llmbus.worker.direct_path import UNUSABLE, DirectPathSettings, FallbackReason, wants_direct
from llmbus.worker.executor import BeforeCall, Executor, failed_result
from llmbus.worker.outcome import (
    Completed,
    Expired,
    Failed,
    Outcome,
    Parked,
    RetryLater,
    SendToFallback,
)
from llmbus.worker.retry import GiveUp, RetryPolicy, Standing

__all__ = ["Execution", "ExecutionRules", "read_task"]


@dataclass(frozen=True)
class ExecutionRules:
    """What decides how a run ends, besides the run itself."""

    retry: RetryPolicy
    direct_path: DirectPathSettings
    fallback_after_retries: bool
    """Whether a task whose attempts are used up by passing failures goes to the fallback."""


def read_task(message: Message) -> AgentTask | Parked:
    """The task in this message; `Parked` with the reason if nobody can read it."""
    try:
        return decode_task(message.body, message.content_type)
    except InvalidInputError as error:
        return Parked(str(error))


class Execution:
    """Runs one direct attempt and says how it ended. Never raises, except when it is cancelled."""

    def __init__(
        self, executor: Executor, admission: Admission, rules: ExecutionRules, clock: Clock
    ) -> None:
        self._executor = executor
        self._admission = admission
        self._rules = rules
        self._clock = clock

    async def run(self, task: AgentTask, message: Message, before_call: BeforeCall) -> Outcome:
        """One attempt at this task, under its deadline and its time limit."""
        attempt = attempt_of(message)
        agent = self._admission.admit(task, message)
        if not isinstance(agent, RequestedAgent):
            return agent
        if not wants_direct(task, self._rules.direct_path):
            return SendToFallback(FallbackReason.DIRECT_PATH_OFF, None, attempt)
        result = await self._attempt(task, agent, attempt, before_call)
        self._admission.signed(result, attempt)
        failure = result.failure
        if result.status is ExecutionStatus.SUCCESS or failure is None:
            return Completed(result)
        return self._after_failure(task, message, result, failure)

    async def _attempt(
        self, task: AgentTask, agent: RequestedAgent, attempt: int, before_call: BeforeCall
    ) -> ExecutionResult:
        started_at = self._clock.now()
        limit = self._admission.time_limit(task)
        try:
            async with asyncio.timeout(limit.duration.total_seconds()):
                return await self._executor.execute(task, agent, attempt, before_call=before_call)
        except TimeoutError:
            return failed_result(task, limit.failure(), started_at)

    def _after_failure(
        self, task: AgentTask, message: Message, result: ExecutionResult, failure: Failure
    ) -> Outcome:
        attempt = attempt_of(message)
        if failure.kind is FailureKind.EXPIRED:
            return Expired(result)
        if failure.kind in UNUSABLE:  # nothing was asked: the attempt is the fallback's
            return SendToFallback(UNUSABLE[failure.kind], failure, attempt)
        standing = Standing(
            attempt=attempt,
            earlier=earlier_failures_of(message),
            max_attempts=task.max_attempts,
            on_unknown_outcome=task.on_unknown_outcome,
            deadline=task.deadline,
        )
        now = self._clock.now()
        delay = self._rules.retry.decide(failure, standing, now, random.choice)
        if isinstance(delay, timedelta):
            return RetryLater(failure, delay, result.usage)
        if delay is GiveUp.USED_UP and self._rules.fallback_after_retries:
            reason = FallbackReason.ATTEMPTS_USED_UP
            return SendToFallback(reason, failure, attempt + 1, result.usage)
        return Failed(result)
