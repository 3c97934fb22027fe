"""Long tasks: what the broker would take back is handed over to a copy in time.

A broker takes back what stays unsettled for too long (30 minutes on RabbitMQ before 3.12, unless
its operator changed that) and gives it to anyone. So before that a copy is published to a wait
queue, confirmed, and the old delivery is acked. The copy is the same attempt: whoever gets it sees
that the task runs, and adopts it or lets it wait again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final, Self

from llmbus.shared.clock import Clock
from llmbus.shared.task_messages import repeated_copy
from llmbus.shared.topology import Layout
from llmbus.worker.events import Observer, TaskHandedOver
from llmbus.worker.publishing import RunPublisher
from llmbus.worker.run import Run

__all__ = ["HandOver"]

_LOOKS: Final = 20
"""In the time that a delivery may stay unsettled."""

_LONGEST_ABSENCE: Final = timedelta(minutes=1)
"""How long the copy may stay away: for so long nobody else takes the task if its worker dies."""


class HandOver:
    """Watches how long the deliveries of running tasks have been unsettled, as an async context
    manager. `after` None: the broker takes nothing back, and nothing is watched. Tasks that wait
    for a slot are returned in time, so that others may run them."""

    def __init__(
        self,
        runs: Callable[[], Iterable[Run]],
        return_overdue: Callable[[timedelta], None],
        publisher: RunPublisher,
        layout: Layout,
        clock: Clock,
        observer: Observer,
        after: timedelta | None,
    ) -> None:
        self._runs = runs
        self._return_overdue = return_overdue
        self._publisher = publisher
        self._layout = layout
        self._clock = clock
        self._observe = observer
        self._after = after
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._after is not None:
            self._watch = asyncio.create_task(self._look_forever(self._after), name="hand over")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    async def _look_forever(self, after: timedelta) -> None:
        while True:
            await asyncio.sleep((after / _LOOKS).total_seconds())
            self._return_overdue(after)
            await asyncio.gather(*(self._hand_over(run, after) for run in list(self._runs())))

    async def _hand_over(self, run: Run, after: timedelta) -> None:
        overdue = run.unsettled_for(after)
        if not overdue or run.answering:
            return
        absence = self._layout.ladder.at_least(min(after / 2, _LONGEST_ABSENCE))
        copy = repeated_copy(
            run.message, submission=run.key.submission, lane=run.lane, now=self._clock.now()
        )
        await self._publisher.publish(run, self._layout.retry(absence), run.return_key, copy)
        await run.ack(overdue)
        self._observe(TaskHandedOver(*run.place, absence.total_seconds()))
