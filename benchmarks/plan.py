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
    round_seconds: float
    """For all rounds of one measurement: on a busy machine there are fewer, but always one."""
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
    round_seconds=25.0,
    rushes={1: 800, 16: 2_000, 100: 2_500},
    round_trips=300,
    memory_rounds=3,
    in_flight=1_000,
    imports=9,
)
QUICK: Final = Plan(
    rounds=3,
    round_seconds=3.0,
    rushes={1: 150, 16: 400, 100: 500},
    round_trips=100,
    memory_rounds=1,
    in_flight=1_000,
    imports=3,
)
