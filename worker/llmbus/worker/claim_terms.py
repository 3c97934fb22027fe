"""For how long a worker's claims, and what became of them, are remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["ClaimTerms"]


@dataclass(frozen=True)
class ClaimTerms:
    """For how long what is remembered."""

    lifetime: timedelta = timedelta(seconds=15)
    """How long a claim outlives its worker; then another one runs the task."""
    remembered: timedelta = timedelta(days=1)
    """How long results and started runs are kept after a task has ended."""
    max_crashes: int = 3
    """How many workers a task may kill before it is given up."""
