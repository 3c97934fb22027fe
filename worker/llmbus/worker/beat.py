"""Something done again and again for as long as a block runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Self

__all__ = ["Beat"]


class Beat:
    """Awaits `action` after every pause, as an async context manager. Leaving it ends the beat, at
    the latest when the action that is under way returns."""

    def __init__(self, action: Callable[[], Awaitable[None]], pause: timedelta, name: str) -> None:
        """`name` is that of the asyncio task."""
        self._action = action
        self._pause = pause
        self._name = name
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._go_on(), name=self._name)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Raises what the action raised."""
        # Cancelling alone is not enough: redis-py sends under asyncio.wait_for, which loses a
        # cancellation on Python 3.11 when it comes just as the bytes are sent.
        self._is_over = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            if not self._task.cancelled():
                self._task.result()

    async def _go_on(self) -> None:
        while not self._is_over:
            await asyncio.sleep(self._pause.total_seconds())
            await self._action()
