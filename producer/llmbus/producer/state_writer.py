"""Writing the state of a project: at most once per change, many changes at once, off the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from llmbus.producer.state_file import StateFile
from llmbus.shared.errors import LlmbusError

__all__ = ["StateWriter"]

_log = logging.getLogger("llmbus.producer")


class StateWriter:
    """Keeps a file up to date with what `snapshot` gives; without a file it does nothing."""

    def __init__(self, file: StateFile | None, snapshot: Callable[[], bytes]) -> None:
        self._file = file
        self._snapshot = snapshot
        self._changes = 0
        self._written = 0
        self._writing: asyncio.Task[None] | None = None
        self._saving: set[asyncio.Task[None]] = set()

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

    def save(self) -> None:
        """Write at once where no event loop runs, else soon: a loop is not held up."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._write_now()
            return
        saving = asyncio.create_task(self._save_soon())
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    def abandon(self) -> None:
        """Let others have the file, as it is."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def close(self) -> None:
        """Write what is not written yet, and let others have the file."""
        try:
            self._write_now()
        finally:
            self.abandon()

    async def _save_soon(self) -> None:
        try:
            await self.written()
        except LlmbusError as error:
            _log.error("project_state_not_written", extra={"fields": {"reason": str(error)}})

    def _write_now(self) -> None:
        if self._file is not None and self._written < self._changes:
            self._file.write(self._snapshot(), self._changes)
            self._written = self._changes

    async def _write(self, file: StateFile) -> None:
        try:
            await asyncio.sleep(0)  # whatever else changes in this turn goes along
            generation = self._changes
            await asyncio.to_thread(file.write, self._snapshot(), generation)
            self._written = max(self._written, generation)
        finally:
            self._writing = None
