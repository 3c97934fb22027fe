"""Whether an event loop stood still for so long that a claim may have lapsed: a strike that keeps a
whole process waiting, or a machine that has too much to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from tests.faults.environment import CLAIM_SECONDS

__all__ = ["report_stalls"]

_LOOK_SECONDS: Final = 0.1
_SHORTEST_STALL_SECONDS: Final = CLAIM_SECONDS / 2
"""A claim is renewed every third of its life: after this, the next renewal may be too late."""


async def report_stalls(report: Callable[[int], object]) -> None:
    """Call `report` with the milliseconds of each stall when it is over, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(_LOOK_SECONDS)
        late_seconds = loop.time() - before - _LOOK_SECONDS
        if late_seconds >= _SHORTEST_STALL_SECONDS:
            report(round(1000 * late_seconds))
