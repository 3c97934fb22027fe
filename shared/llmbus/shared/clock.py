"""Time as a thing one can hand in, so that policies and stores are tested without waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Where the current moment comes from."""

    def now(self) -> datetime:
        """The current moment, always with a time zone."""
        ...


class SystemClock:
    """The machine's own clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)
