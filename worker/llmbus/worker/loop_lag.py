"""How late the event loop runs what is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from datetime import timedelta
from typing import Final

__all__ = ["LoopLag"]

_INTERVAL_SECONDS: Final = 0.25
_REMEMBERED_SAMPLES: Final = 40
"""Ten seconds: a probe that comes every few seconds must still see a lag between two of them."""


class LoopLag:
    """Sleeps a moment, again and again, and notes by how much it wakes too late.

    A loop that lags misses heartbeats and reads answers late; code that blocks it, or a machine
    that is overloaded, is the cause.
    """

    def __init__(self) -> None:
        self._lags = deque[float](maxlen=_REMEMBERED_SAMPLES)
        self._probe: asyncio.Task[None] | None = None

    @property
    def worst(self) -> timedelta:
        """Of the last ten seconds."""
        return timedelta(seconds=max(self._lags, default=0.0))

    async def __aenter__(self) -> LoopLag:
        self._probe = asyncio.create_task(self._measure(), name="loop lag")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._probe is not None:
            self._probe.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probe

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _INTERVAL_SECONDS
            await asyncio.sleep(_INTERVAL_SECONDS)
            self._lags.append(max(0.0, loop.time() - due))
