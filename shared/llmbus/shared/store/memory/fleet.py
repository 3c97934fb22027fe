"""Who works where, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from llmbus.shared.store.interface import WorkerEntry
from llmbus.shared.store.lifetime import checked_lifetime
from llmbus.shared.store.memory.opening import MemoryOpening

__all__ = ["MemoryFleet"]


@dataclass(frozen=True)
class _Announcement:
    worker: WorkerEntry
    made_at: datetime
    expires_at: datetime


class MemoryFleet(MemoryOpening):
    """The announcements of workers, until they expire."""

    def _forget(self) -> None:
        super()._forget()
        self._announcements: dict[str, _Announcement] = {}

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
