"""The calls that have arrived, as far back as they are kept."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from llmbus.worker.provider_simulator.dialect import Call, Dialect
from llmbus.worker.provider_simulator.received import Received, fingerprint, without_keys

__all__ = ["ReceivedCalls"]

_KEPT_CALLS: Final = 10_000


class ReceivedCalls:
    """Counts calls, keeps the newest and wakes those who wait for more."""

    def __init__(self) -> None:
        self.newest: Final[deque[Received]] = deque(maxlen=_KEPT_CALLS)
        """10,000 of them, oldest first."""
        self._count = 0
        self._news = asyncio.Event()

    def note(self, call: Call, dialect: Dialect) -> Received:
        """The record of a call that has arrived; whoever answers it fills in how."""
        self._count += 1
        received = Received(
            number=self._count,
            vendor=dialect.vendor,
            api=dialect.api,
            path=call.path,
            headers=without_keys(call.headers),
            key=fingerprint(dialect.key(call)),
            body=call.body,
        )
        self.newest.append(received)
        self._news.set()
        return received

    async def until(self, count: int) -> None:
        """Return when that many have arrived since the start or `forget`."""
        while self._count < count:
            self._news.clear()
            await self._news.wait()

    def forget(self) -> None:
        """Drop them, and count from the beginning."""
        self.newest.clear()
        self._count = 0
