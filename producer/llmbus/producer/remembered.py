"""What the store remembers of tasks, as far as an orchestrator has a say in it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from llmbus.shared.errors import ConfigurationError
from llmbus.shared.store.claims import CancelAnswer
from llmbus.shared.store.interface import Store

__all__ = ["Remembered"]

_REMEMBERED: Final = timedelta(days=7)
"""For how long a task that waits in a queue stays cancelled."""


class Remembered:
    """Has tasks cancelled and forgotten. The store is opened when it is first needed: orchestrators
    that do neither need none."""

    def __init__(self, store: Store | None, *, reach_redis: bool) -> None:
        """Without a store, `reach_redis` says whether that of the settings is used."""
        self._store = store
        self._reach_redis = reach_redis
        self._resources: AsyncExitStack | None = None

    async def cancel(self, task_id: str, submission: str | None, reason: str) -> CancelAnswer:
        """See `Claims.request_cancel`. `ConfigurationError` without a store."""
        store = await self._opened()
        return await store.request_cancel(task_id, reason, _REMEMBERED, submission=submission)

    async def forget(self, task_ids: Iterable[str]) -> None:
        """See `Claims.forget`."""
        store = await self._opened()
        for task_id in task_ids:
            await store.forget(task_id)

    async def aclose(self) -> None:
        if self._resources is not None:
            resources, self._resources = self._resources, None
            await resources.aclose()

    async def _opened(self) -> Store:
        if self._store is None and self._reach_redis:
            from llmbus.producer.connect import redis_store

            self._store = redis_store()
        if self._store is None:
            raise ConfigurationError(
                "tasks are cancelled, and forgotten, by the store, and this producer was given a"
                " bus and no store: pass the workers' one, Producer(..., bus=bus, store=store)"
            )
        if self._resources is None:
            resources = AsyncExitStack()
            await resources.enter_async_context(self._store)
            self._resources = resources
        return self._store
