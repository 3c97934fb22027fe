"""The store of a single process: for the embedded bus and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import msgspec

from llmbus.shared.clock import Clock, SystemClock
from llmbus.shared.errors import ClosedError
from llmbus.shared.store.interface import WorkerEntry, checked_lifetime

__all__ = ["MemoryStore"]


@dataclass(frozen=True)
class _Announcement:
    worker: WorkerEntry
    made_at: datetime
    expires_at: datetime


class MemoryStore:
    """A `Store` that lives and dies with the object. Entering it again starts empty."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._announcements: dict[str, _Announcement] = {}
        self._is_open = False

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
        self._announcements.clear()

    async def announce(self, worker: WorkerEntry, lifetime: timedelta) -> None:
        now = self._now()
        self._announcements[worker.worker_id] = _Announcement(
            worker, now, now + checked_lifetime(lifetime)
        )

    async def withdraw(self, worker_id: str) -> None:
        self._now()
        self._announcements.pop(worker_id, None)

    async def workers(self) -> list[WorkerEntry]:
        now = self._now()
        self._announcements = {
            worker_id: announcement
            for worker_id, announcement in self._announcements.items()
            if announcement.expires_at > now
        }
        return [
            msgspec.structs.replace(made.worker, heartbeat_age=now - made.made_at)
            for _, made in sorted(self._announcements.items())
        ]

    def _now(self) -> datetime:
        if not self._is_open:
            raise ClosedError("the store is not open: use `async with`")
        return self._clock.now()
