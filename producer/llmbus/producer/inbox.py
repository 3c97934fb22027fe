"""Results as they come back: each is given to the application once.

A result stays unacked until the application has it, by `handle.wait()` or by `results()`: an
orchestrator that dies in between gets it again after its restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakValueDictionary

from llmbus.producer.handle import TaskHandle
from llmbus.shared.bus.interface import Bus, Delivery
from llmbus.shared.clock import Clock
from llmbus.shared.codec import decode_result
from llmbus.shared.envelope import parked_copy
from llmbus.shared.errors import ClosedError, DeliveryLostError, InvalidInputError, LlmbusError
from llmbus.shared.result import ExecutionResult
from llmbus.shared.topology import Layout

__all__ = ["PREFETCH", "Inbox"]

PREFETCH: Final = 2_000
"""How many results may be here unacked: what the broker keeps beyond that is not in our memory."""

_REMEMBERED_TASKS: Final = 100_000

_log = logging.getLogger("llmbus.producer")


@dataclass(frozen=True, slots=True)
class _Arrived:
    result: ExecutionResult
    delivery: Delivery | None
    """None once it is acked: from then on only this process has the result."""


class Inbox:
    """The results of one orchestrator. Duplicates are dropped by task id."""

    def __init__(self, bus: Bus, layout: Layout, clock: Clock) -> None:
        self._bus = bus
        self._layout = layout
        self._clock = clock
        self._handles: WeakValueDictionary[str, TaskHandle] = WeakValueDictionary()
        self._arrived: OrderedDict[str, _Arrived] = OrderedDict()
        self._given: OrderedDict[str, None] = OrderedDict()
        self._news = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()
        self._shown: str | None = None
        self._closed = False
        self._told_of_backlog = False

    def expect(self, task_id: str) -> TaskHandle:
        """The handle for a task that is about to be submitted."""
        self._given.pop(task_id, None)
        handle = self._handles.get(task_id)
        if handle is None or handle.done():
            handle = self._handles[task_id] = TaskHandle(task_id, self._take)
        return handle

    def has_given(self, task_id: str) -> bool:
        """Whether the application has taken the result since the task was last expected."""
        return task_id in self._given

    def resolve(self, handle: TaskHandle) -> bool:
        """Give the handle a result that is here already; whether there is one."""
        arrived = self._arrived.get(handle.task_id)
        if arrived is not None:
            handle.resolve(arrived.result)
        return arrived is not None

    def on_delivery(self, delivery: Delivery) -> None:
        """Takes one result from the broker."""
        try:
            message = delivery.message
            result = decode_result(message.body, message.content_type)
        except InvalidInputError as error:
            self._do(self._park(delivery, str(error)))
            return
        known = self._arrived.get(result.task_id)
        if result.task_id in self._given:
            self._do(_ack(delivery))
        elif known is None:
            self._arrived[result.task_id] = _Arrived(result, delivery)
            self._tell(result)
        elif known.delivery is not None and known.delivery.message_id == delivery.message_id:
            self._arrived[result.task_id] = replace(known, delivery=delivery)
        else:
            self._do(_ack(delivery))

    async def results(self) -> AsyncIterator[ExecutionResult]:
        """Every result that no `handle.wait()` has taken, oldest first, without end."""
        while True:
            if self._closed:
                raise ClosedError("the producer is closed")
            task_id = next(iter(self._arrived), None)
            if task_id is None:
                self._news.clear()
                await self._news.wait()
                continue
            self._shown = task_id
            yield self._arrived[task_id].result
            await self.finish_shown()

    async def finish_shown(self) -> None:
        """The application is done with the result that `results()` gave it last."""
        task_id, self._shown = self._shown, None
        if task_id is not None:
            await self._take(task_id)

    def close(self) -> None:
        """Nothing more will arrive; whoever waits gets `ClosedError`."""
        self._closed = True
        for handle in list(self._handles.values()):
            handle.abandon(ClosedError("the producer was closed before the result arrived"))
        self._news.set()

    async def settle_chores(self) -> None:
        """Let the acks that are under way finish."""
        await asyncio.gather(*self._chores)

    def _tell(self, result: ExecutionResult) -> None:
        handle = self._handles.get(result.task_id)
        if handle is not None:
            handle.resolve(result)
        self._news.set()
        if len(self._arrived) >= PREFETCH // 2:
            self._make_room()

    def _make_room(self) -> None:
        """Whoever waits for one result behind thousands that nobody takes would wait for ever. So
        what a living handle holds is acked early; what nobody here asked for is not."""
        for task_id, arrived in self._arrived.items():
            if arrived.delivery is not None and task_id in self._handles:
                self._arrived[task_id] = replace(arrived, delivery=None)
                self._do(_ack(arrived.delivery))
        unclaimed = sum(arrived.delivery is not None for arrived in self._arrived.values())
        if unclaimed >= PREFETCH // 2 and not self._told_of_backlog:
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

    async def _take(self, task_id: str) -> None:
        arrived = self._arrived.pop(task_id, None)
        if arrived is None:
            return
        self._given[task_id] = None
        while len(self._given) > _REMEMBERED_TASKS:
            self._given.popitem(last=False)
        if arrived.delivery is not None:
            await _ack(arrived.delivery)

    async def _park(self, delivery: Delivery, reason: str) -> None:
        """Keep what cannot be read for the operator; until that works it stays in our queue."""
        copy = parked_copy(
            delivery.message, reason=reason, origin=delivery.queue, now=self._clock.now()
        )
        fields = {"queue": delivery.queue, "reason": reason}
        _log.error("result_unreadable", extra={"fields": fields})
        try:
            await self._bus.publish(self._layout.unrouted, "", copy)
        except LlmbusError as error:
            _log.warning("result_not_parked", extra={"fields": {"reason": str(error)}})
            return
        await _ack(delivery)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


async def _ack(delivery: Delivery) -> None:
    try:
        await delivery.ack()
    except DeliveryLostError:
        return  # it comes again, and is dropped as a duplicate then
