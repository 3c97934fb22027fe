"""Tells the fleet, by heartbeat, what this worker can do and how much room it has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.interface import Store, WorkerEntry
from llmbus.worker.beat import Beat

__all__ = ["Advertiser"]

_LIFETIME_IN_HEARTBEATS = 3

_log = logging.getLogger("llmbus.worker")


class Advertiser:
    """Announces `describe()` now and with every heartbeat until closed, then withdraws.

    The store may be away: the worker goes on, and one line says so when it goes and when it comes
    back. An entry that is not renewed disappears after three heartbeats.
    """

    def __init__(
        self, store: Store, describe: Callable[[], WorkerEntry], heartbeat: timedelta
    ) -> None:
        self._store = store
        self._describe = describe
        self._heartbeat = heartbeat
        self._reachable = True
        self._beat = Beat(self.announce, heartbeat, "advertiser")

    async def __aenter__(self) -> Advertiser:
        await self.announce()
        await self._beat.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._beat.__aexit__(*exc_info)
        await self._tell(self._store.withdraw(self._describe().worker_id))

    async def announce(self) -> None:
        """Say it now, for example because the worker begins to drain."""
        entry = self._describe()
        await self._tell(self._store.announce(entry, self._heartbeat * _LIFETIME_IN_HEARTBEATS))

    async def _tell(self, saying: Awaitable[None]) -> None:
        try:
            await saying
        except LlmbusError as error:
            if self._reachable:
                _log.warning("fleet_unreachable", extra={"fields": {"reason": str(error)}})
            self._reachable = False
        else:
            if not self._reachable:
                _log.info("fleet_reachable", extra={"fields": {}})
            self._reachable = True
