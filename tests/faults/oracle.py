"""Reads a history and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.history import Event
from tests.faults.invariants_of_cancellation import CANCELLATION_INVARIANTS
from tests.faults.invariants_of_parking import PARKING_INVARIANTS
from tests.faults.invariants_of_programs import PROGRAM_INVARIANTS
from tests.faults.invariants_of_scripts import SCRIPT_INVARIANTS
from tests.faults.invariants_of_tasks import TASK_INVARIANTS

__all__ = ["ALL_INVARIANTS", "Violation", "violations_in"]

ALL_INVARIANTS = (
    *TASK_INVARIANTS,
    *CANCELLATION_INVARIANTS,
    *PARKING_INVARIANTS,
    *SCRIPT_INVARIANTS,
    *PROGRAM_INVARIANTS,
)


@dataclass(frozen=True)
class Violation:
    """One promise that was not kept."""

    invariant: str
    """Its number and the name of the check."""
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def violations_in(events: Sequence[Event]) -> list[Violation]:
    """All of them, in the order of the invariants."""
    return [
        Violation(f"{(check.__doc__ or '').partition(':')[0]} {check.__name__}", what)
        for check in ALL_INVARIANTS
        for what in check(events)
    ]
