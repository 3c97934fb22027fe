"""What a broker has to do later: one heap of appointments behind one timer of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count

__all__ = ["Agenda"]


class Agenda:
    """Runs callbacks at moments of the event loop's clock, and leaves no timer when stopped.

    A stopped agenda keeps its appointments. Started again, it runs at once what came due meanwhile.
    """

    def __init__(self) -> None:
        self._appointments: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._running = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, moment: float, action: Callable[[], None]) -> None:
        """Run `action` once `loop.time()` has reached `moment`."""
        heappush(self._appointments, (moment, next(self._order), action))
        self._set_timer()

    def add_after(self, delay: timedelta, action: Callable[[], None]) -> None:
        """Run `action` after the delay."""
        self.add(asyncio.get_running_loop().time() + delay.total_seconds(), action)

    def start(self) -> None:
        self._running = True
        self._set_timer()

    def stop(self) -> None:
        self._running = False
        self._drop_timer()

    def _set_timer(self) -> None:
        if not self._running or not self._appointments:
            return
        moment = self._appointments[0][0]
        if self._timer is not None:
            if self._timer.when() <= moment:
                return
            self._drop_timer()
        self._timer = asyncio.get_running_loop().call_at(moment, self._run_due)

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_due(self) -> None:
        # The loop runs a timer up to its clock's resolution too early; the timer's own moment
        # counts as reached, or a coarse clock would make us set it again and again.
        reached = asyncio.get_running_loop().time()
        if self._timer is not None:
            reached = max(reached, self._timer.when())
            self._timer = None
        while self._running and self._appointments and self._appointments[0][0] <= reached:
            heappop(self._appointments)[2]()
        self._set_timer()
