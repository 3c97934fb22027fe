"""Keeping aio-pika and aiormq from telling, in their way, what the bus tells in its own.

They log a lost connection several times, at ERROR and with tracebacks, although the bus reports it
once and repairs it. Their records about *our* connections become DEBUG records; those of any
other user of the libraries in this process stay as they are. Which is which is known from the
context: every task of a connection inherits the context in which it was opened.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["leave_our_connection", "our_connection"]

_LIBRARY_LOGGERS: Final = (
    "aio_pika.connection",
    "aio_pika.channel",
    "aio_pika.tools",
    "aiormq.connection",
    "aiormq.channel",
)
_ours: ContextVar[bool] = ContextVar("llmbus_opens_this_connection", default=False)


@contextmanager
def our_connection() -> Generator[None]:
    """What is started inside belongs to a connection of the bus."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def leave_our_connection() -> None:
    """What the current task starts from now on does not belong to a connection of the bus."""
    _ours.set(False)


class _DemoteOurs(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not _ours.get() or record.levelno <= logging.DEBUG:
            return True
        if "blocked by" in str(record.msg):
            return True  # a resource alarm of the broker: only the library hears of it
        record.levelno = logging.DEBUG
        record.levelname = logging.getLevelName(logging.DEBUG)
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


for _name in _LIBRARY_LOGGERS:
    logging.getLogger(_name).addFilter(_DemoteOurs())
