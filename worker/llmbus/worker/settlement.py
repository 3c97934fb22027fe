"""The only place that turns an outcome into results kept, messages and acks.

The order is always store the result, publish (confirmed), then ack. A crash in between repeats a
message; it never loses one.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from llmbus.shared.clock import Clock
from llmbus.shared.envelope import spent_of
from llmbus.shared.result import ExecutionResult, ExecutionStatus, together
from llmbus.shared.store.claims import Cancelled, Late, StoredResult
from llmbus.shared.task_messages import fallback_copy, repeated_copy, retry_copy
from llmbus.shared.topology import Layout
from llmbus.worker.claims import ClaimKeeper
from llmbus.worker.events import (
    Observer,
    ResultRefused,
    ResultRepeated,
    TaskCancelled,
    TaskDeferred,
    TaskFailed,
    TaskFinished,
    TaskInterrupted,
    TaskRetried,
    TaskSentToFallback,
)
from llmbus.worker.outcome import (
    CancelledByCaller,
    Completed,
    Duplicate,
    Expired,
    Failed,
    FailedAndParked,
    HeldElsewhere,
    Interrupted,
    Outcome,
    Outdated,
    Parked,
    RetryLater,
    SendToFallback,
)
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.run import Run

__all__ = ["Settlement"]


class Settlement:
    """Settles runs on one bus."""

    def __init__(
        self,
        publisher: RunPublisher,
        claims: ClaimKeeper,
        layout: Layout,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._publisher = publisher
        self._claims = claims
        self._layout = layout
        self._clock = clock
        self._observe = observer

    async def settle(self, run: Run, outcome: Outcome) -> None:  # noqa: C901  a branch each
        """Do what the outcome asks for. Returns when it is done; while the broker is away it
        waits, holding the result, so the number of waiting results is bounded by the slots."""
        run.answering = True
        match outcome:
            case Completed(result) | Failed(result) | Expired(result) | CancelledByCaller(result):
                await self._answer(run, result)
            case FailedAndParked():
                await self._park_and_answer(run, outcome)
            case RetryLater():
                await self._retry(run, outcome)
            case SendToFallback():
                await self._hand_to_fallback(run, outcome)
            case HeldElsewhere():
                await self._defer(run, outcome)
            case Duplicate(stored):
                await self._publisher.repeat(run, stored)
                run.success = stored if stored.succeeded else None
                await self._forget(run)
                self._observe(ResultRepeated(*run.place))
            case Outdated():
                await self._forget(run)
            case Parked(reason):
                await self._publisher.park(run, reason)
                await self._claims.release(run)
                await self._forget(run)
            case Interrupted():
                await self._claims.release(run)
                await run.nack()
                self._observe(TaskInterrupted(*run.place))
            case _:
                assert_never(outcome)

    async def _park_and_answer(self, run: Run, outcome: FailedAndParked) -> None:
        result = outcome.result
        if await self._claims.has_lost(run):
            await self._refuse(run)
            return
        # Parked first: once the caller has the result, the message is there to redrive.
        await self._publisher.park(
            run,
            outcome.reason,
            failure=result.failure,
            stderr=outcome.stderr,
            spent=result.usage,
        )
        await self._answer(run, result)

    async def _answer(self, run: Run, result: ExecutionResult) -> None:
        result.usage = together(spent_of(run.message), result.usage)
        message = self._publisher.result_message(run, result)
        answer = await self._claims.finish(run, message, result.status)
        if isinstance(answer, Cancelled):
            await self._answer_as_cancelled(run, result, answer.reason)
            return
        if isinstance(answer, Late):
            await self._refuse(run)
            return
        await self._publisher.answer(run, message)
        if result.status.answers_every_submission:
            run.success = StoredResult(
                body=message.body,
                content_type=message.content_type,
                submission=run.key.submission,
                succeeded=True,
            )
        await self._forget(run)
        self._tell(run, result)

    async def _refuse(self, run: Run) -> None:
        """Whoever has the task now answers for it, and may have another end to tell; if that dies,
        this message is the last one."""
        self._observe(ResultRefused(*run.place))
        await self._defer(run, self._claims.held_by_another)

    async def _answer_as_cancelled(self, run: Run, result: ExecutionResult, reason: str) -> None:
        """The cancellation was in the store before the answer, which was paid for all the same."""
        cancelled = msgspec.structs.replace(
            result,
            status=ExecutionStatus.CANCELLED,
            output="",
            error=f"cancelled: {reason}",
            failure=None,
        )
        message = self._publisher.result_message(run, cancelled)
        await self._claims.finish(run, message, cancelled.status)
        await self._publisher.answer(run, message)
        await self._forget(run)
        self._tell(run, cancelled)

    async def _retry(self, run: Run, outcome: RetryLater) -> None:
        failure, delay = outcome.failure, outcome.delay
        copy = retry_copy(run.message, failure=failure, spent=outcome.spent, now=self._clock.now())
        await self._publisher.publish(run, self._layout.retry(delay), run.lane, copy)
        await self._claims.pass_on(run)
        await self._forget(run)
        seconds = delay.total_seconds()
        self._observe(TaskRetried(*run.place, failure.kind, failure.message, seconds))

    async def _hand_to_fallback(self, run: Run, outcome: SendToFallback) -> None:
        copy = fallback_copy(
            run.message,
            reason=outcome.reason,
            failure=outcome.failure,
            attempt=outcome.attempt,
            spent=outcome.spent,
            now=self._clock.now(),
        )
        asked = outcome.attempt > run.key.attempt
        if not asked:  # the fallback makes this same attempt, and would wait for our claim to lapse
            await self._claims.release(run)
        # Published, not rejected: a reject cannot say why, and classic queues dead-letter at most
        # once.
        await self._publisher.publish(run, self._layout.dead, run.lane, copy)
        if asked:
            await self._claims.pass_on(run)
        await self._forget(run)
        text = outcome.failure.message if outcome.failure else ""
        self._observe(TaskSentToFallback(*run.place, outcome.reason, text))

    async def _defer(self, run: Run, outcome: HeldElsewhere) -> None:
        """Park the message for seconds. It is the same attempt when it comes back, so its key is
        not one of those that are done with."""
        delay = self._layout.ladder.at_least(outcome.expires_in)
        deferred = run.deliveries
        copy = repeated_copy(
            run.message, submission=run.key.submission, lane=run.lane, now=self._clock.now()
        )
        await self._publisher.publish(run, self._layout.retry(delay), run.return_key, copy)
        # A run that lost its claim still has it here: renewed in a store that has forgotten
        # everything since, it would be restored, and keep the task from everybody.
        await self._claims.release(run)
        await run.ack(deferred)
        await run.nack()  # the copy itself, if it has come back by now
        self._observe(TaskDeferred(*run.place, outcome.holder, delay.total_seconds()))

    async def _forget(self, run: Run) -> None:
        run.confirmed = True
        await run.ack()

    def _tell(self, run: Run, result: ExecutionResult) -> None:
        if result.failure is not None:
            self._observe(TaskFailed(*run.place, result.failure.kind, result.error))
        elif result.status is ExecutionStatus.CANCELLED:
            self._observe(TaskCancelled(*run.place, result.error))
        else:
            self._observe(TaskFinished(*run.place, result.duration_seconds or 0.0))
