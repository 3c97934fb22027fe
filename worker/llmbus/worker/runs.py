"""The runs that one consumer sees through now, and which it has settled lately."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from llmbus.worker.run import Run, RunKey

__all__ = ["Runs", "all_ended", "interrupt"]

_REMEMBERED: Final = 10_000


class Runs:
    """Every run from its first delivery to its settlement."""

    def __init__(self) -> None:
        self._here: set[Run] = set()
        self._current: dict[RunKey, Run] = {}
        self._latest: dict[str, Run] = {}
        """Of each task, by its id."""
        self._settled: OrderedDict[RunKey, None] = OrderedDict()

    @property
    def here(self) -> list[Run]:
        return list(self._here)

    @property
    def started(self) -> list[Run]:
        return [run for run in self._here if run.started]

    @property
    def waiting(self) -> list[Run]:
        """What has not begun, and is not given back yet."""
        return [run for run in self._here if not (run.started or run.answering)]

    def find(self, key: RunKey) -> Run | None:
        """The run that adopts whatever else comes under this key."""
        run = self._current.get(key)
        return None if run is None or run.returned else run

    def has_settled(self, key: RunKey) -> bool:
        """Whether such a run has ended here, as far as it is remembered."""
        return key in self._settled

    def enter(self, run: Run) -> None:
        """From now on the run is the one of its key, and follows the earlier one of its task."""
        run.earlier = self._latest.get(run.key.task_id)
        self._current[run.key] = self._latest[run.key.task_id] = run
        self._here.add(run)

    def leave(self, run: Run) -> None:
        """The run is over. Leaving twice is leaving once."""
        self._here.discard(run)
        if self._current.get(run.key) is run:
            del self._current[run.key]
        if self._latest.get(run.key.task_id) is run:
            del self._latest[run.key.task_id]
        if run.confirmed:
            self._remember(run.key)

    def _remember(self, key: RunKey) -> None:
        self._settled[key] = None
        while len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)


def interrupt(runs: Iterable[Run]) -> None:
    """Once each: a second one would cut off what a run puts in order because of the first. What is
    answering already has been paid for, and goes on."""
    for run in runs:
        if run.work is not None and not run.answering and not run.work.cancelling():
            run.work.cancel()


async def all_ended(runs: Iterable[Run], within: timedelta | None = None) -> None:
    """Return when their works have ended, or after that time."""
    works = [run.work for run in runs if run.work is not None]
    if works:
        await asyncio.wait(works, timeout=None if within is None else within.total_seconds())
