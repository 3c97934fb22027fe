"""The programs of one run, by their names, and what can be done to them."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from tests.faults.history import Fact, History
from tests.faults.launcher import Running

__all__ = ["FALLBACK", "WORKER", "Programs"]

WORKER: Final = "w"
"""Begins the names of workers."""
FALLBACK: Final = "f"
"""Begins the names of fallback consumers."""
_LOOK_SECONDS: Final = 0.01


class Programs:
    """Who was started in this run, alive or not."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.programs: dict[str, Running] = {}
        self._last_numbers: dict[str, int] = {}
        self._told_to_stop: set[str] = set()

    def next_name(self, kind: str) -> str:
        """One that no program of this run has had, nor will have."""
        started = sum(name.startswith(kind) for name in self.programs)
        number = max(started, self._last_numbers.get(kind, 0)) + 1
        self._last_numbers[kind] = number
        return f"{kind}{number}"

    def consumers_alive(self) -> list[str]:
        """The workers and fallback consumers that have not ended."""
        return [name for name in self.programs if name[0] in WORKER + FALLBACK and self.lives(name)]

    def consuming(self, kind: str) -> list[str]:
        """Those of that kind that live and that nobody has told to stop."""
        left = set(self.consumers_alive()) - self._told_to_stop
        return [name for name in self.programs if name in left and name.startswith(kind)]

    def lives(self, name: str) -> bool:
        """Whether the process is there, frozen or not."""
        return name in self.programs and not self.programs[name].ended.is_set()

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.history.record(Fact.KILLED, name)
        self.programs[name].send(signal.SIGKILL)

    def tell_to_stop(self, name: str) -> None:
        """SIGTERM."""
        self._told_to_stop.add(name)
        self.history.record(Fact.TOLD_TO_STOP, name)
        self.programs[name].send(signal.SIGTERM)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.history.record(Fact.FROZEN, name)
        self.programs[name].send(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.history.record(Fact.THAWED, name)
        self.programs[name].send(signal.SIGCONT)

    async def until_logged(self, name: str, event: str, seconds: float = 30.0) -> None:
        """Return when the program has logged that, has ended, or was waited for in vain, which
        goes into the history."""
        program = self.programs[name]
        wanted = f'"{event}"'.encode()
        try:
            async with asyncio.timeout(seconds):
                while not program.ended.is_set() and not program.has_written(wanted):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            self.history.record(Fact.OUT_OF_TIME, name, note=f"{name} did not log {event}")
