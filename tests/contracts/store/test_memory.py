"""What only the memory store promises: its time is the clock that it was given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from llmbus.shared.store.memory import MemoryStore
from tests.contracts.store.entries import entry


class StoppedClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


async def test_lifetimes_and_ages_follow_the_clock() -> None:
    clock = StoppedClock()
    async with MemoryStore(clock) as store:
        await store.announce(entry("w-1"), timedelta(seconds=15))
        clock.time += timedelta(seconds=14.999)
        (worker,) = await store.workers()
        assert worker.heartbeat_age == timedelta(seconds=14.999)
        clock.time += timedelta(milliseconds=1)
        assert await store.workers() == []
