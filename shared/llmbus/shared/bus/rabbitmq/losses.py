"""How the loss of a channel or connection shows in a call that needed it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from aiormq.exceptions import AMQPError

from llmbus.shared.bus.rabbitmq.library_logs import our_connection

__all__ = ["LOST", "PAUSE_AFTER_LOSS_SECONDS", "is_out_of_reach", "loss_as_error"]

LOST: Final = (AMQPError, OSError, RuntimeError)
"""What aiormq raises from a call whose channel or connection is gone."""
PAUSE_AFTER_LOSS_SECONDS: Final = 0.02
"""Calls on a lost connection fail at once: without a pause, whoever repeats them starves the task
that would notice the loss."""


@contextmanager
def loss_as_error() -> Generator[None]:
    """Turns what aiormq raises on a loss, and `LOST` does not hold, into a `ConnectionError`.

    It cancels what waits on a connection that is lost, or raises a bare `Exception` from it.
    A cancellation that somebody asked for passes. What the library logs meanwhile is demoted.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        with our_connection():
            yield
    except asyncio.CancelledError:
        if task is None or task.cancelling() > before:
            raise
        raise ConnectionError("the connection was lost") from None
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise ConnectionError("the connection was lost") from None


def is_out_of_reach(error: AMQPError) -> bool:
    """Whether the broker says "not found" of a queue that is only on a node that is down."""
    return "down or inaccessible" in str(error)
