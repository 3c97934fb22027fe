"""The only place that turns an outcome into messages and acks.

The order is always publish (confirmed), then ack. A crash in between repeats a message; it never
loses one.
"""

from __future__ import annotations

import asyncio
from typing import Final, assert_never

from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock
from llmbus.shared.codec import MAX_BODY_BYTES
from llmbus.shared.envelope import parked_copy, result_message, retry_copy
from llmbus.shared.errors import (
    BodyTooLargeError,
    PublishUnknownError,
    UnavailableError,
    UnroutableError,
)
from llmbus.shared.result import ExecutionResult
from llmbus.shared.topology import Layout
from llmbus.worker.events import (
    MessageParked,
    Observer,
    ResultDelayed,
    TaskFailed,
    TaskFinished,
    TaskInterrupted,
    TaskRetried,
)
from llmbus.worker.outcome import (
    Completed,
    Expired,
    Failed,
    Interrupted,
    Outcome,
    Parked,
    RetryLater,
)
from llmbus.worker.run import Run

__all__ = ["Settlement"]

_LARGEST_KEPT_OUTPUT: Final = MAX_BODY_BYTES // 8
"""Cut to this, an output fits even if every character needs a six byte escape."""

_PAUSE_SECONDS: Final = 1.0
"""Between two rounds of trying to publish; each round already waits for the publish timeout."""


class Settlement:
    """Settles runs on one bus."""

    def __init__(self, bus: Bus, layout: Layout, clock: Clock, observer: Observer) -> None:
        self._bus = bus
        self._layout = layout
        self._clock = clock
        self._observe = observer

    async def settle(self, run: Run, outcome: Outcome) -> None:
        """Do what the outcome asks for. Returns when it is done; while the broker is away it
        waits, holding the result, so the number of waiting results is bounded by the slots."""
        run.answering = True
        match outcome:
            case Completed(result):
                await self._answer(run, result)
                self._observe(TaskFinished(*_place(run), result.duration_seconds or 0.0))
            case RetryLater(failure, delay):
                copy = retry_copy(run.message, now=self._clock.now())
                await self._publish(run, self._layout.retry(delay), run.lane, copy)
                await self._forget(run)
                seconds = delay.total_seconds()
                self._observe(TaskRetried(*_place(run), failure.kind, failure.message, seconds))
            case Failed(result) | Expired(result):
                await self._answer(run, result)
                kind = result.failure.kind if result.failure else ""
                self._observe(TaskFailed(*_place(run), kind, result.error))
            case Parked(reason):
                await self._park(run, run.message, reason)
                await self._forget(run)
            case Interrupted():
                await run.nack()
                self._observe(TaskInterrupted(*_place(run)))
            case _:
                assert_never(outcome)

    async def _answer(self, run: Run, result: ExecutionResult) -> None:
        message = self._fitting_message(run, result)
        orchestrator = run.message.reply_to
        if orchestrator is None:
            await self._park(run, message, "the task names no orchestrator to answer (reply_to)")
        else:
            try:
                await self._publish(run, self._layout.results, orchestrator, message)
            except UnroutableError:
                reason = f"the results queue of orchestrator {orchestrator!r} is gone"
                await self._park(run, message, reason)
        await self._forget(run)

    async def _park(self, run: Run, message: Message, reason: str) -> None:
        origin = self._layout.lane_queue(run.lane)
        copy = parked_copy(message, reason=reason, origin=origin, now=self._clock.now())
        await self._publish(run, self._layout.unrouted, "", copy)
        self._observe(MessageParked(*_place(run), reason))

    async def _forget(self, run: Run) -> None:
        run.confirmed = True
        await run.ack()

    async def _publish(self, run: Run, exchange: str, key: str, message: Message) -> None:
        """Publish for as long as it takes: what stands here has been paid for."""
        while True:
            try:
                return await self._bus.publish(exchange, key, message)
            except (PublishUnknownError, UnavailableError) as error:
                self._observe(ResultDelayed(*_place(run), str(error)))
                await asyncio.sleep(_PAUSE_SECONDS)
            # Whatever is published in a resource alarm arrives after it, each attempt anew.
            while self._bus.condition.blocked:  # noqa: ASYNC110  a broker's state sets no event
                await asyncio.sleep(_PAUSE_SECONDS)

    def _fitting_message(self, run: Run, result: ExecutionResult) -> Message:
        """A paid answer is delivered even if it is too large: cut, and it says so."""
        now = self._clock.now()
        try:
            return result_message(result, run.message, now=now)
        except BodyTooLargeError:
            whole = result.output.encode()
            result.output = whole[:_LARGEST_KEPT_OUTPUT].decode(errors="ignore")
            result.metadata["output_cut_from_bytes"] = len(whole)
            return result_message(result, run.message, now=now)


def _place(run: Run) -> tuple[str, str, int]:
    return run.key.task_id, run.lane, run.key.attempt
