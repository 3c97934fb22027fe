"""Keeps a worker's health up to date, and its intake shut while results cannot be published."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from llmbus.shared.errors import LlmbusError
from llmbus.worker.consumer import Consumer
from llmbus.worker.health import Health
from llmbus.worker.watchdog import Watchdog

__all__ = ["HealthWatch"]

_INTERVAL_SECONDS: Final = 0.5
_TIME_TO_END_SECONDS: Final = 1.0
_log = logging.getLogger("llmbus.worker")


class HealthWatch:
    """Looks at the health twice a second and runs the watchdog every so often, until closed."""

    def __init__(
        self,
        health: Health,
        watchdogs: Sequence[Watchdog],
        consumers: Sequence[Consumer],
        announce: Callable[[], Awaitable[None]],
        watchdog_interval: timedelta,
    ) -> None:
        """`announce` is awaited after every change of the readiness."""
        self._health = health
        self._watchdogs = watchdogs
        self._consumers = consumers
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._announce = announce
        self._watchdog_interval = watchdog_interval.total_seconds()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def __aenter__(self) -> HealthWatch:
        self._health.listen(lambda _: self._changed.set())
        self._tasks = (
            asyncio.create_task(self._watch(), name="health watch"),
            asyncio.create_task(self._keep_announced(), name="health announcements"),
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closing.set()
        # Not cancelled at once: a half-made subscription would go on taking tasks.
        await asyncio.wait(self._tasks[:1], timeout=_TIME_TO_END_SECONDS)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        next_check = loop.time() + self._watchdog_interval
        # Asked again and again, because a cancellation can get lost inside of an AMQP call.
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_SECONDS):
                    await self._closing.wait()
                    return
            self._health.look()
            for consumer in self._consumers:
                await self._open_or_shut(consumer)
            if loop.time() >= next_check:
                for watchdog in self._watchdogs:
                    await watchdog.check()
                next_check = loop.time() + self._watchdog_interval

    async def _keep_announced(self) -> None:
        """Apart from the watch: a store that hangs must not keep it from looking."""
        while not self._closing.is_set():  # a cancellation can get lost inside of a Redis call, too
            await self._changed.wait()
            self._changed.clear()
            await self._announce()

    async def _open_or_shut(self, consumer: Consumer) -> None:
        blocked = self._health.is_blocked
        intake = consumer.intake
        if blocked and intake.is_open:
            returned = await consumer.stop_taking()
            _log.warning("intake_paused", extra={"fields": {"returned": returned}})
        elif not (blocked or intake.is_open):
            try:
                await consumer.start()
            except LlmbusError as error:
                # The watchdog tries again, lane by lane.
                _log.warning("intake_incomplete", extra={"fields": {"reason": str(error)}})
            else:
                _log.info("intake_resumed", extra={"fields": {}})
