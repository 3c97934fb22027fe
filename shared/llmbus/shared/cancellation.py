"""Cancellations that a library loses on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["no_cancellation_lost"]


@contextmanager
def no_cancellation_lost() -> Generator[None]:
    """Raise `CancelledError` at the end of the block if the task was cancelled in it and the
    block went on all the same.

    redis-py sends under `asyncio.wait_for`, which on Python 3.11 loses a cancellation that comes
    just as the bytes are sent: whoever waits for the end of that task waits for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except Exception:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
