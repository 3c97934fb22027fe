"""The fleet entry follows the worker's life, and the worker outlives the store."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from llmbus.shared.clock import SystemClock
from llmbus.shared.errors import StoreUnreachableError
from llmbus.shared.store.interface import WorkerEntry
from llmbus.shared.store.memory import MemoryStore
from llmbus.worker.advertiser import Advertiser

HEARTBEAT = timedelta(milliseconds=10)
ENTRY = WorkerEntry(
    worker_id="w1",
    host="h",
    pid=1,
    version="0",
    started_at=datetime.now(UTC),
    lanes=("a",),
    slots_used=0,
    slots_total=1,
)


@dataclass
class UnsteadyStore(MemoryStore):
    """A store that can be away, and counts what it is told."""

    away: bool = False
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])

    def __post_init__(self) -> None:
        super().__init__(SystemClock())

    async def announce(self, worker: WorkerEntry, lifetime: timedelta) -> None:
        self.told.put_nowait("away" if self.away else "announced")
        if self.away:
            raise StoreUnreachableError("Redis at redis://127.0.0.1:1 does not answer")
        await super().announce(worker, lifetime)


async def until(store: UnsteadyStore, word: str) -> None:
    async with asyncio.timeout(10):
        while await store.told.get() != word:
            pass


async def test_entry_lives_as_long_as_the_worker() -> None:
    store = UnsteadyStore()
    async with store:
        async with Advertiser(store, lambda: ENTRY, HEARTBEAT):
            assert [entry.worker_id for entry in await store.workers()] == ["w1"]
            for _ in range(3):
                await until(store, "announced")
        assert await store.workers() == []


async def test_absence_of_the_store_is_told_once_and_its_return_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "llmbus.worker")
    store = UnsteadyStore(away=True)
    async with store, Advertiser(store, lambda: ENTRY, HEARTBEAT):
        for _ in range(3):
            await until(store, "away")
        store.away = False
        for _ in range(2):
            await until(store, "announced")
        assert [entry.worker_id for entry in await store.workers()] == ["w1"]
    assert [record.message for record in caplog.records] == [
        "fleet_unreachable",
        "fleet_reachable",
    ]
