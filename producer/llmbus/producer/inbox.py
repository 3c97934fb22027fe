"""Results as they come back: each is given to the application once.

A result stays unacked until the application has it, by `handle.wait()` or by `results()`: an
orchestrator that dies in between gets it again after its restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

from llmbus.producer.answer import SUCCEEDED, Answer
from llmbus.producer.expected import Expected
from llmbus.producer.handle import TaskHandle
from llmbus.producer.markers import MARKER_TYPE, Markers
from llmbus.producer.remembered import Remembered
from llmbus.shared.bus.interface import Bus, Delivery
from llmbus.shared.clock import Clock
from llmbus.shared.codec import decode_result
from llmbus.shared.errors import ClosedError, DeliveryLostError, InvalidInputError, LlmbusError
from llmbus.shared.parking import parked_copy
from llmbus.shared.result import ExecutionResult
from llmbus.shared.topology import Layout

__all__ = ["PREFETCH", "REMEMBERED_TASKS", "Inbox"]

PREFETCH: Final = 2_000
"""How many results may be here unacked: what the broker keeps beyond that is not in our memory."""

_CROWDED: Final = PREFETCH // 2
_CLAIMS_ARE_COUNTED_EVERY: Final = PREFETCH // 8
"""Arrivals: to look through all that is unacked at each of them would take quadratic time."""

REMEMBERED_TASKS: Final = 100_000
"""Of so many that were given the inbox knows a second result when it sees one."""

_log = logging.getLogger("llmbus.producer")


class Inbox:
    """The results of one orchestrator. Second copies are dropped by task id; the answer to a
    redrive from parking is none, and is given when the failure before it has been taken."""

    def __init__(self, bus: Bus, layout: Layout, clock: Clock, remembered: Remembered) -> None:
        self._bus = bus
        self._layout = layout
        self._clock = clock
        self._expected = Expected(lambda task_id: TaskHandle(task_id, self._take, remembered))
        self._arrived: OrderedDict[str, ExecutionResult] = OrderedDict()
        self._unacked: dict[str, Delivery] = {}
        """Of what has arrived; the rest is in this process alone."""
        self._crowded_at = _CROWDED
        self._answers: dict[str, Answer] = {}
        """What has arrived, by task id."""
        self._given: OrderedDict[str, Answer] = OrderedDict()
        self._held: dict[str, dict[str, Delivery]] = {}
        """Later answers to what has arrived and is not taken: by task id, then by message id."""
        self.markers = Markers()
        self._news = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()
        self._shown: ExecutionResult | None = None
        self._closed = False
        self._told_of_backlog = False

    def expect(self, task_id: str, submission: str | None = None) -> TaskHandle:
        """The handle for a task that is about to be submitted, or was in an earlier process."""
        self._given.pop(task_id, None)
        return self._expected.handle(task_id, submission)

    def has_given(self, task_id: str) -> bool:
        """Whether the application has taken the result since the task was last expected."""
        return task_id in self._given

    def resolve(self, handle: TaskHandle) -> bool:
        """Give the handle a result that is here already; whether there is one."""
        answer = self._answers.get(handle.task_id)
        if answer is None:
            return False
        if not handle.is_answered_by(answer):
            self.give_up_untaken(handle.task_id)
            return False
        handle.resolve(self._arrived[handle.task_id])
        return True

    def give_up_untaken(self, task_id: str) -> None:
        """The task is submitted anew: an answer that nobody has taken must not stand in the way of
        the next one."""
        if self._arrived.pop(task_id, None) is None:
            return
        self._answers.pop(task_id, None)
        untaken = [self._unacked.pop(task_id, None), *self._held.pop(task_id, {}).values()]
        for delivery in untaken:
            if delivery is not None:
                self._do(_ack(delivery))

    def on_delivery(self, delivery: Delivery) -> None:
        """Takes one result from the broker."""
        message = delivery.message
        if message.type == MARKER_TYPE:
            self.markers.passed(message.correlation_id)
            self._news.set()
            self._do(_ack(delivery))
            return
        try:
            result = decode_result(message.body, message.content_type)
        except InvalidInputError as error:
            self._do(self._park(delivery, str(error)))
            return
        task_id = result.task_id
        answer = Answer.of(result, message)
        self._expected.resolve_cancelled(answer, result)
        known = self._unacked.get(task_id)
        earlier = self._answers.get(task_id) or self._given.get(task_id)
        if known is not None and known.message_id == delivery.message_id:
            self._unacked[task_id] = delivery
        elif not (self._expected.wants(task_id, answer) and _is_news(answer, earlier)):
            self._do(_ack(delivery))
        elif task_id in self._arrived:
            self._held.setdefault(task_id, {})[delivery.message_id] = delivery
        else:
            self._arrived[task_id] = result
            self._answers[task_id] = answer
            self._unacked[task_id] = delivery
            self._tell(result)

    async def results(self) -> AsyncIterator[ExecutionResult]:
        """Every result that no `handle.wait()` has taken, oldest first, without end."""
        while True:
            self._require_open()
            task_id = next(iter(self._arrived), None)
            if task_id is None:
                self._news.clear()
                await self._news.wait()
                continue
            self._shown = self._arrived[task_id]
            yield self._shown
            await self.finish_shown()

    async def unclaimed(self, passed: asyncio.Future[None]) -> AsyncIterator[ExecutionResult]:
        """The results without a handle, until the marker has passed and there are no more."""
        while True:
            self._require_open()
            task_id = next((each for each in self._arrived if each not in self._expected), None)
            if task_id is not None:
                result = self._arrived[task_id]
                yield result
                await self._take(result)
            elif passed.done():
                return
            else:
                self._news.clear()
                await self._news.wait()

    async def finish_shown(self) -> None:
        """The application is done with the result that `results()` gave it last."""
        result, self._shown = self._shown, None
        if result is not None:
            await self._take(result)

    def close(self) -> None:
        """Nothing more will arrive; whoever waits gets `ClosedError`."""
        self._closed = True
        for handle in self._expected.all():
            handle.abandon(ClosedError("the producer was closed before the result arrived"))
        self.markers.close()
        self._news.set()

    async def settle_chores(self) -> None:
        """Let the acks that are under way finish."""
        await asyncio.gather(*self._chores)

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("the producer is closed")

    def _tell(self, result: ExecutionResult) -> None:
        self._expected.resolve(result)
        self._news.set()
        if len(self._unacked) >= self._crowded_at:
            self._make_room()

    def _make_room(self) -> None:
        """Whoever waits for one result behind thousands that nobody takes would wait for ever. So
        what a living handle holds is acked early; what nobody here asked for is not."""
        for task_id in [each for each in self._unacked if each in self._expected]:
            self._do(_ack(self._unacked.pop(task_id)))
        unclaimed = len(self._unacked)
        self._crowded_at = min(max(_CROWDED, unclaimed + _CLAIMS_ARE_COUNTED_EVERY), PREFETCH)
        if unclaimed >= _CROWDED and not self._told_of_backlog:
            self._told_of_backlog = True
            _log.warning(
                "results_unclaimed",
                extra={
                    "fields": {
                        "results": unclaimed,
                        "reason": "results of tasks without a handle wait here: read them with"
                        " Producer.results(), or newer ones cannot arrive",
                    }
                },
            )

    async def _take(self, result: ExecutionResult) -> None:
        task_id = result.task_id
        if self._arrived.get(task_id) is not result:
            return
        del self._arrived[task_id]
        answer = self._answers.pop(task_id)
        self._given[task_id] = SUCCEEDED if answer.succeeded else answer
        while len(self._given) > REMEMBERED_TASKS:
            self._given.popitem(last=False)
        delivery = self._unacked.pop(task_id, None)
        self._expected.forget_done(task_id)
        for held in self._held.pop(task_id, {}).values():
            self.on_delivery(held)
        if delivery is not None:
            await _ack(delivery)

    async def _park(self, delivery: Delivery, reason: str) -> None:
        """Keep what cannot be read for the operator; until that works it stays in our queue."""
        copy = parked_copy(
            delivery.message, reason=reason, origin=delivery.queue, now=self._clock.now()
        )
        fields = {"queue": delivery.queue, "reason": reason}
        _log.error("result_unreadable", extra={"fields": fields})
        try:
            await self._bus.publish(self._layout.unrouted, delivery.routing_key, copy)
        except LlmbusError as error:
            _log.warning("result_not_parked", extra={"fields": {"reason": str(error)}})
            return
        await _ack(delivery)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _is_news(answer: Answer, earlier: Answer | None) -> bool:
    return earlier is None or earlier.may_be_followed_by(answer)


async def _ack(delivery: Delivery) -> None:
    try:
        await delivery.ack()
    except DeliveryLostError:
        return  # it comes again, and is dropped as a duplicate then
