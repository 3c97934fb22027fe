"""Messages that follow from a run. What stands here has been paid for, so it is published for as
long as it takes."""

from __future__ import annotations

import asyncio
from typing import Final

from llmbus.shared.bus.interface import Bus, Message
from llmbus.shared.clock import Clock
from llmbus.shared.codec import MAX_BODY_BYTES
from llmbus.shared.errors import (
    BodyTooLargeError,
    ConfigurationError,
    PublishUnknownError,
    UnavailableError,
    UnroutableError,
)
from llmbus.shared.parking import parked_copy
from llmbus.shared.result import ExecutionResult, Failure, Usage
from llmbus.shared.result_envelope import repeated_result_message, result_message
from llmbus.shared.store.claims import StoredResult
from llmbus.shared.topology import Layout
from llmbus.worker.events import MessageParked, Observer, ResultDelayed
from llmbus.worker.run import Run

__all__ = ["RunPublisher"]

_LARGEST_KEPT_OUTPUT: Final = MAX_BODY_BYTES // 8
"""Cut to this, an output fits even if every character needs a six byte escape."""

_PAUSE_SECONDS: Final = 1.0
"""Between two rounds of trying to publish; each round already waits for the publish timeout."""


class RunPublisher:
    """Publishes results, copies and parked messages of runs. Each method returns once the broker
    has confirmed."""

    def __init__(self, bus: Bus, layout: Layout, clock: Clock, observer: Observer) -> None:
        self._bus = bus
        self._layout = layout
        self._clock = clock
        self._observe = observer

    def result_message(self, run: Run, result: ExecutionResult) -> Message:
        """The result on the wire. A paid answer is delivered even if it is too large: cut, and it
        says so."""
        now = self._clock.now()
        try:
            return result_message(result, run.message, now=now)
        except BodyTooLargeError:
            whole = result.output.encode()
            result.output = whole[:_LARGEST_KEPT_OUTPUT].decode(errors="ignore")
            result.metadata["output_cut_from_bytes"] = len(whole)
            return result_message(result, run.message, now=now)

    async def answer(self, run: Run, message: Message) -> None:
        """Give the orchestrator its result; without a queue for it, it is parked."""
        orchestrator = run.message.reply_to
        if orchestrator is None:
            reason = "the task names no orchestrator to answer (reply_to)"
            await self._park_result(run, message, reason, "")
            return
        try:
            await self.publish(run, self._layout.results, orchestrator, message)
        except UnroutableError:
            reason = f"the results queue of orchestrator {orchestrator!r} is gone"
            await self._park_result(run, message, reason, orchestrator)

    async def repeat(self, run: Run, stored: StoredResult) -> None:
        """Give the orchestrator the result that the store kept."""
        message = repeated_result_message(stored, run.message, now=self._clock.now())
        await self.answer(run, message)

    async def park(
        self,
        run: Run,
        reason: str,
        *,
        failure: Failure | None = None,
        stderr: str = "",
        spent: Usage | None = None,
    ) -> None:
        """Keep the task for the operator; `spent` is what this run has cost."""
        copy = parked_copy(
            run.message,
            reason=reason,
            origin=run.queue,
            now=self._clock.now(),
            failure=failure,
            stderr=stderr,
            spent=spent,
        )
        await self._put_into_parking(run, run.lane, copy, reason)

    async def publish(self, run: Run, exchange: str, key: str, message: Message) -> None:
        """Publish for as long as it takes, also until a user who may not publish here may again;
        `UnroutableError` where no queue is bound."""
        while True:
            try:
                return await self._bus.publish(exchange, key, message)
            except (PublishUnknownError, UnavailableError, ConfigurationError) as error:
                self._observe(ResultDelayed(*run.place, str(error)))
                await asyncio.sleep(_PAUSE_SECONDS)
            # Whatever is published in a resource alarm arrives after it, each attempt anew.
            while self._bus.condition.blocked:  # noqa: ASYNC110  a broker's state sets no event
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _park_result(
        self, run: Run, message: Message, reason: str, orchestrator: str
    ) -> None:
        copy = parked_copy(message, reason=reason, origin=run.queue, now=self._clock.now())
        await self._put_into_parking(run, orchestrator, copy, reason)

    async def _put_into_parking(self, run: Run, key: str, copy: Message, reason: str) -> None:
        """The routing key means nothing to parking; it says where a redrive goes."""
        await self.publish(run, self._layout.unrouted, key, copy)
        self._observe(MessageParked(*run.place, reason))
