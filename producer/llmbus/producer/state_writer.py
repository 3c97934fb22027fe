"""Writing the state of a project: at most once per change, many changes at once, off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llmbus.producer.state_file import StateFile

__all__ = ["StateWriter"]


class StateWriter:
    """Keeps a file up to date with what `snapshot` gives; without a file it does nothing."""

    def __init__(self, file: StateFile | None, snapshot: Callable[[], bytes]) -> None:
        self._file = file
        self._snapshot = snapshot
        self._changes = 0
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Something is different from what the file says."""
        self._changes += 1

    async def written(self) -> None:
        """Return once every change up to now is on the disk. Whoever waits meanwhile shares the
        next write."""
        wanted = self._changes
        while self._file is not None and self._written < wanted:
            if self._writing is None:
                self._writing = asyncio.create_task(self._write(self._file))
            await asyncio.shield(self._writing)

    def write_now(self) -> None:
        """The same for callers without an event loop, and for the end."""
        if self._file is not None and self._written < self._changes:
            self._file.write(self._snapshot(), self._changes)
            self._written = self._changes

    def close(self) -> None:
        """Write what is not written yet, and let others have the file."""
        if self._file is not None:
            try:
                self.write_now()
            finally:
                self._file.close()
                self._file = None

    async def _write(self, file: StateFile) -> None:
        try:
            await asyncio.sleep(0)  # whatever else changes in this turn goes along
            generation = self._changes
            await asyncio.to_thread(file.write, self._snapshot(), generation)
            self._written = max(self._written, generation)
        finally:
            self._writing = None
