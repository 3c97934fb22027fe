"""Markers: messages that an orchestrator sends to the end of its own results queue. When one comes
back, everything that waited before it has arrived."""

from __future__ import annotations

import asyncio
from typing import Final

__all__ = ["MARKER_TYPE", "Markers"]

MARKER_TYPE: Final = "results.marker.v1"


class Markers:
    """The markers that are on their way."""

    def __init__(self) -> None:
        self._passing: dict[str, asyncio.Future[None]] = {}

    def passing(self, marker: str) -> asyncio.Future[None]:
        """Done when the message of that correlation id has come, and all that came before it."""
        passing = self._passing[marker] = asyncio.get_running_loop().create_future()
        return passing

    def passed(self, marker: str) -> None:
        """This one has come."""
        passing = self._passing.pop(marker, None)
        if passing is not None and not passing.done():
            passing.set_result(None)

    def close(self) -> None:
        """None of them will come any more."""
        for passing in self._passing.values():
            passing.cancel()
