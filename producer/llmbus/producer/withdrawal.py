"""Cancelling what nobody here wants any more, as far as the store can be reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from llmbus.producer.handle import TaskHandle
from llmbus.shared.errors import LlmbusError

__all__ = ["Withdrawal"]

_log = logging.getLogger("llmbus.producer")


class Withdrawal:
    """Best effort: what cannot be cancelled goes on, and its result waits for whoever asks. The log
    says so once, until it works again."""

    def __init__(self) -> None:
        self._works = True

    async def withdraw(self, handles: Collection[TaskHandle], reason: str) -> None:
        """Cancel these submissions for good, see `TaskHandle.cancel`. Never raises because of the
        store."""
        await asyncio.gather(*(self._withdraw(handle, reason) for handle in handles))

    async def _withdraw(self, handle: TaskHandle, reason: str) -> None:
        try:
            await handle.cancel(reason)
        except LlmbusError as error:
            if self._works:
                _log.warning("tasks_not_cancelled", extra={"fields": {"reason": str(error)}})
            self._works = False
        else:
            self._works = True
