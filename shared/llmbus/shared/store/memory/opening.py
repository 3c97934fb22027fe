"""Open or closed, and what time it is: what every part of the memory store stands on."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Self

from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import ClosedError

__all__ = ["MemoryOpening"]


class MemoryOpening:
    """Time is the clock that was handed in."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._is_open = False
        self._forget()

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._forget()

    def _forget(self) -> None:
        """Start empty. Every part extends this by what it remembers."""

    def _now(self) -> datetime:
        if not self._is_open:
            raise ClosedError("the store is not open: use `async with`")
        return self._clock.now()
