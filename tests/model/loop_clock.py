"""The time of a model's event loop, as moments; and how far away everything is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["LATENCY_SECONDS", "LoopClock"]

LATENCY_SECONDS: Final = 0.1
"""One way, to the broker and to the store: a fault can strike before and after every effect."""
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class LoopClock:
    """Tells the event loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._loop.time())
