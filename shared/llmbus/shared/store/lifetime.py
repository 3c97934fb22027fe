"""How long things in a store live."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

__all__ = ["LATE_RESULTS_LIFE", "checked_ledger_life", "checked_lifetime", "milliseconds"]

LATE_RESULTS_LIFE: Final = timedelta(days=7)
"""How long a refused result is counted."""


def checked_lifetime(lifetime: timedelta) -> timedelta:
    """The lifetime itself, if a store can count it; else a `ValueError`."""
    if lifetime < timedelta(milliseconds=1):
        raise ValueError(f"a lifetime must be at least one millisecond, not {lifetime}")
    return lifetime


def checked_ledger_life(ledger_life: timedelta, lifetime: timedelta) -> timedelta:
    """The ledger's lifetime itself, if it is no shorter than that of the claim it fences; else a
    `ValueError`."""
    if ledger_life < lifetime:
        raise ValueError(
            f"the ledger must outlive the claim: ledger_life {ledger_life} is shorter than"
            f" lifetime {lifetime}"
        )
    return ledger_life


def milliseconds(lifetime: timedelta) -> int:
    """A checked lifetime as Redis wants it."""
    return checked_lifetime(lifetime) // timedelta(milliseconds=1)
