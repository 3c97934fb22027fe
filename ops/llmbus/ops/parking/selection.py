"""Which messages of parking are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from llmbus.ops.parking.message import ParkedMessage
from llmbus.shared.errors import InvalidInputError

__all__ = ["ParkingFilter", "duration"]

_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class ParkingFilter:
    """All that is given must hold. A message of unknown age is neither old nor new."""

    reason: str | None = None
    """A part of the reason; upper and lower case are one."""
    agent_type: str | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    task_id: str | None = None
    message_ids: frozenset[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every message is meant."""
        return self == ParkingFilter()

    def matches(self, parked: ParkedMessage) -> bool:
        return (
            (self.reason is None or self.reason.lower() in parked.reason.lower())
            and self.agent_type in (None, parked.agent_type)
            and self.task_id in (None, parked.task_id)
            and (self.message_ids is None or parked.message_id in self.message_ids)
            and self._has_the_age(parked.age_seconds)
        )

    def _has_the_age(self, seconds: float | None) -> bool:
        if self.older_than is None and self.newer_than is None:
            return True
        if seconds is None:
            return False
        age = timedelta(seconds=seconds)
        return (self.older_than is None or age >= self.older_than) and (
            self.newer_than is None or age < self.newer_than
        )


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `2h`, `1d12h`; `InvalidInputError` for anything else."""
    if not _DURATION.fullmatch(text):
        raise InvalidInputError(f"{text!r} is no duration: write it like 90s, 15m, 2h or 1d12h")
    try:
        return timedelta(
            seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        )
    except OverflowError:
        raise InvalidInputError(f"{text!r} is longer than anything has been parked") from None
