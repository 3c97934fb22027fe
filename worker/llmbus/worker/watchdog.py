"""Compares the consumers that the broker sees with those that we believe in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from llmbus.shared.bus.interface import Bus, QueueDepth
from llmbus.shared.errors import LlmbusError
from llmbus.shared.topology import Topology
from llmbus.worker.intake import Intake

__all__ = ["Watchdog"]

_ANSWER_SECONDS: Final = 5.0
_log = logging.getLogger("llmbus.worker")


class Watchdog:
    """Finds queues that look consumed from here and are not, and subscribes to them anew.

    A queue that is gone is declared again: without it, tasks for its lane would go to parking. Over
    AMQP alone the broker tells how many consumers a queue has, and not whose. One of ours that is
    missing beside those of other workers is noticed by what it does not hear: tasks wait twice in a
    row, there is room for them here, and none has come in between.
    """

    def __init__(
        self, bus: Bus, topology: Topology, intake: Intake, has_room: Callable[[str], bool]
    ) -> None:
        """`has_room` says whether the broker may hand over more from that queue."""
        self._bus = bus
        self._topology = topology
        self._intake = intake
        self._has_room = has_room
        self._deaf_since: dict[str, float] = {}
        self._taken_before: dict[str, int] = {}
        """How much had come by the latest look at queues in which tasks waited although there was
        room for them here."""

    @property
    def deaf_queues(self) -> tuple[str, ...]:
        """The queues that were not consumed when last looked at."""
        return tuple(self._deaf_since)

    @property
    def deaf_for(self) -> timedelta:
        """How long the worst queue has not been consumed, although the broker answered."""
        if not self._deaf_since:
            return timedelta(0)
        now = asyncio.get_running_loop().time()
        return timedelta(seconds=now - min(self._deaf_since.values()))

    async def check(self) -> None:
        """Look once, and repair what can be repaired. Never raises an `LlmbusError`."""
        taken_before, self._taken_before = self._taken_before, {}
        if not self._bus.condition.connected:
            self._deaf_since.clear()  # the bus subscribes again by itself when it is connected
            return
        queues = tuple(self._intake.queues)
        believed = {queue for queue in queues if self._intake.is_consuming(queue)}
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                seen = await self._bus.depths(queues)
        except (LlmbusError, TimeoutError):
            self._deaf_since.clear()
            return
        # What came or went while the broker answered is looked at next time.
        settled = {
            queue for queue in queues if self._intake.is_consuming(queue) == (queue in believed)
        }
        for queue in settled & set(self._intake.queues):
            passed_over = self._is_passed_over(queue, seen[queue], taken_before.get(queue))
            await self._look_at(queue, seen[queue], queue in believed and not passed_over)
        for queue in self._deaf_since.keys() - set(self._intake.queues):
            del self._deaf_since[queue]

    async def _look_at(self, queue: str, depth: QueueDepth | None, believed: bool) -> None:
        if believed and depth is not None and depth.consumers:
            self._deaf_since.pop(queue, None)
            return
        self._deaf_since.setdefault(queue, asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._repair(queue, depth)
        except (LlmbusError, TimeoutError) as error:
            reason = str(error) or "the broker did not answer in time"
            fields = {"queue": queue, "reason": reason}
            _log.warning("queue_not_resubscribed", extra={"fields": fields})

    def _is_passed_over(self, queue: str, depth: QueueDepth | None, before: int | None) -> bool:
        if depth is None or not depth.ready or not self._has_room(queue):
            return False
        taken = self._taken_before[queue] = self._intake.taken(queue)
        return taken == before

    async def _repair(self, queue: str, depth: QueueDepth | None) -> None:
        fields = {"queue": queue}
        if depth is None:
            _log.warning("queue_missing", extra={"fields": fields})
            await self._bus.declare(self._topology)
        else:
            _log.warning("consumer_missing", extra={"fields": fields})
        await self._intake.resubscribe(queue)
