"""How much is measured: a full run, a quick one, or any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Plan"]


@dataclass(frozen=True)
class Plan:
    """Every contender does all of this, round by round in turn."""

    rounds: int
    rushes: Mapping[int, int]
    """Tasks per round, by the worker's concurrency."""
    round_trips: int
    """Tasks per round, one after the other."""
    memory_rounds: int
    in_flight: int
    """Tasks that the worker holds at once while memory is read."""
    imports: int
    """Fresh processes that import `llmbus.producer`."""


FULL: Final = Plan(
    rounds=5,
    rushes={1: 800, 16: 2_000, 100: 2_500},
    round_trips=300,
    memory_rounds=3,
    in_flight=1_000,
    imports=9,
)
QUICK: Final = Plan(
    rounds=3,
    rushes={1: 200, 16: 500, 100: 600},
    round_trips=100,
    memory_rounds=1,
    in_flight=1_000,
    imports=3,
)
