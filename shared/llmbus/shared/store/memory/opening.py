"""Open or closed, and what time it is: what every part of the memory store stands on."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Self

from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import ClosedError

__all__ = ["MemoryOpening"]


class MemoryOpening:
    """Time is the clock that was handed in. Several parts of a process may hold it open at once: it
    is forgotten when the last of them leaves."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._openings = 0
        self._forget()

    async def __aenter__(self) -> Self:
        self._openings += 1
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._openings -= 1
        if not self._openings:
            self._forget()

    def _forget(self) -> None:
        """Start empty. Every part extends this by what it remembers."""

    def _now(self) -> datetime:
        if not self._openings:
            raise ClosedError("the store is not open: use `async with`")
        return self._clock.now()
