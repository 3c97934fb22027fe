"""What probes may know about a worker: whether it lives, and whether it takes work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum, StrEnum, auto
from typing import Final

from llmbus.shared.bus.interface import Bus
from llmbus.worker.loop_lag import LoopLag
from llmbus.worker.watchdog import Watchdog

__all__ = ["Health", "Problem"]

BLOCKED_AFTER: Final = timedelta(seconds=5)
"""A short alarm is over before a supervisor could act on it."""
NOT_LIVE_AFTER: Final = timedelta(minutes=2)
"""The watchdog has tried many times by then; a new process is what is left to try."""

_log = logging.getLogger("llmbus.worker")


class Problem(StrEnum):
    """Why a worker should get no work, or should be started anew."""

    STARTING = "starting"
    DRAINING = "draining"
    DISCONNECTED = "disconnected"
    PUBLISHING_BLOCKED = "publishing_blocked"
    LOOP_LAG = "event_loop_lag"
    NOT_CONSUMING = "not_consuming"


class _Stage(Enum):
    STARTING = auto()
    SERVING = auto()
    DRAINING = auto()


Listener = Callable[[tuple[Problem, ...]], None]


class Health:
    """Readiness and liveness of one worker, at the moment of asking.

    Only what a restart can cure makes it not live: a restart cuts off paid calls. An event loop
    that hangs need not be said, since whoever asks gets no answer.
    """

    def __init__(
        self, bus: Bus, lag: LoopLag, watchdogs: Sequence[Watchdog], max_lag: timedelta
    ) -> None:
        self._bus = bus
        self._lag = lag
        self._watchdogs = watchdogs
        self._max_lag = max_lag
        self._stage = _Stage.STARTING
        self._blocked_since: float | None = None
        self._said: tuple[Problem, ...] = (Problem.STARTING,)
        self._listeners: list[Listener] = []

    @property
    def not_ready(self) -> tuple[Problem, ...]:
        """Why it should get no work; empty if it is ready."""
        if self._stage is _Stage.STARTING:
            return (Problem.STARTING,)
        found = {
            Problem.DRAINING: self.is_draining,
            Problem.DISCONNECTED: not self._bus.condition.connected,
            Problem.PUBLISHING_BLOCKED: self.is_blocked,
            Problem.LOOP_LAG: self._lag.worst > self._max_lag,
            Problem.NOT_CONSUMING: any(each.deaf_queues for each in self._watchdogs),
        }
        return tuple(problem for problem, there in found.items() if there)

    @property
    def not_live(self) -> tuple[Problem, ...]:
        """Why it should be started anew; empty if it lives."""
        deaf = any(each.deaf_for > NOT_LIVE_AFTER for each in self._watchdogs)
        deaf = deaf and self._stage is _Stage.SERVING
        return (Problem.NOT_CONSUMING,) if deaf else ()

    @property
    def is_draining(self) -> bool:
        return self._stage is _Stage.DRAINING

    @property
    def is_blocked(self) -> bool:
        """Whether the broker has taken no publishes for long enough to stop taking work."""
        if self._blocked_since is None or not self._bus.condition.blocked:
            return False
        blocked_for = asyncio.get_running_loop().time() - self._blocked_since
        return blocked_for >= BLOCKED_AFTER.total_seconds()

    def listen(self, listener: Listener) -> None:
        """Call it with the problems whenever they change."""
        self._listeners.append(listener)

    def begin_serving(self) -> None:
        """It takes work from now on, unless it has been told to drain meanwhile."""
        if self._stage is _Stage.STARTING:
            self._stage = _Stage.SERVING
        self.look()

    def begin_draining(self) -> None:
        """It is not ready any more, for good. May be said again."""
        self._stage = _Stage.DRAINING
        self.look()

    def look(self) -> bool:
        """Note what is now, and say what has changed; whether anything has."""
        if not self._bus.condition.blocked:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = asyncio.get_running_loop().time()
        problems = self.not_ready
        if problems == self._said:
            return False
        self._said = problems
        fields = {"ready": not problems, "reasons": [str(each) for each in problems]}
        _log.info("readiness_changed", extra={"fields": fields})
        for listener in self._listeners:
            listener(problems)
        return True
