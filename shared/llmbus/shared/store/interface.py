"""What a store must do. One contract suite (tests/contracts) holds every store to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

import msgspec

from llmbus.shared.store.claims import Claims

__all__ = ["Store", "WorkerEntry"]


class WorkerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker process says about itself with each heartbeat."""

    worker_id: str
    host: str
    """What `socket.gethostname()` says there; the container's health check looks for it."""
    pid: int
    version: str
    """Of llmbus."""
    started_at: datetime
    """With a time zone."""
    lanes: tuple[str, ...]
    """The lanes it consumes."""
    agent_types: tuple[str, ...] = ()
    """What really runs there: the SDK can be imported and its key is set."""
    models: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    slots_used: int
    """How many tasks run there now."""
    slots_total: int
    """How many tasks may run there at once."""
    draining: bool = False
    """It finishes what it has and takes nothing new."""
    not_ready: tuple[str, ...] = ()
    """Why it should get no work now, such as `publishing_blocked`; empty if it is ready."""
    direct_path: bool | None = None
    """Whether it asks providers directly: false where LLMBUS_USE_DIRECT_LLM is. None if it serves
    no lane, or is of a release that does not say."""
    heartbeat_age: timedelta | None = None
    """How long ago it announced itself, by the store's own clock. The store fills it in when
    listing and ignores it in an announcement."""


class Store(Claims, Protocol):
    """Shared memory of all processes of one deployment, as an async context manager.

    Entering opens no connection: a process starts, and goes on, while its store is down. Every
    method raises `StoreUnreachableError` when the store does not answer within seconds or cannot
    do its work, `StoreLoginError` when it refuses our password or rights, and `ClosedError`
    outside of the context. Every method may be repeated safely after an error.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def announce(self, worker: WorkerEntry, lifetime: timedelta) -> None:
        """Show this worker for `lifetime` from now, in place of what it announced before.

        The lifetime counts by the store's own clock, so the clocks of clients need not agree. A
        `ValueError` if it is shorter than a millisecond.
        """
        ...

    async def withdraw(self, worker_id: str) -> None:
        """Show this worker no longer. Nothing happens if it is not there."""
        ...

    async def workers(self) -> list[WorkerEntry]:
        """Whose lifetime is not over, ordered by id.

        An entry that this release cannot read (written by a much newer one) is left out.
        """
        ...
