"""Seeds that have found a defect once. `make faults` runs them before any others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FOUND", "Found"]


@dataclass(frozen=True)
class Found:
    """A seed, the faults it was drawn among (the beginning of their names), and its story."""

    seed: int
    only: str
    story: str


FOUND: Final[tuple[Found, ...]] = (
    Found(
        22,
        "connections-closed",
        "All connections are closed while calls run: other workers get the tasks and paid again.",
    ),
    Found(
        112,
        "worker-frozen",
        "A worker that was frozen until another had its task answered for it after all.",
    ),
)
