"""Not more than so many a second."""

from __future__ import annotations

import asyncio

__all__ = ["Pace"]


class Pace:
    """Lets a loop through at most `per_second` times a second, evenly; 0 is without limit."""

    def __init__(self, per_second: float) -> None:
        self._pause = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when it is time. What was missed is not made up for."""
        if not self._pause:
            return
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._next - loop.time()))
        self._next = loop.time() + self._pause
