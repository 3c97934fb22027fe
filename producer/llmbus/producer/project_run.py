"""Running a project: whatever is ready at once, bounded, until nothing is left."""

from __future__ import annotations

import asyncio

from llmbus.producer.attendance import Attendance
from llmbus.producer.project import Project
from llmbus.producer.project_record import TaskRecord
from llmbus.shared.errors import InvalidInputError
from llmbus.shared.result import ExecutionResult

__all__ = ["ProjectRun"]

_Running = asyncio.Task[ExecutionResult]


class ProjectRun:
    """Starts a task the moment it is ready and there is room for it: no batch waits for its
    slowest member."""

    def __init__(self, project: Project, attendance: Attendance, max_concurrent: int) -> None:
        self._project = project
        self._attendance = attendance
        self._max_concurrent = max_concurrent
        self._news = asyncio.Event()
        self._running: set[_Running] = set()
        self._broken: BaseException | None = None

    def wake(self) -> None:
        """Something has changed: there may be more to start."""
        self._news.set()

    async def until_nothing_is_left(self) -> None:
        """Return when nothing runs and nothing is ready. What an attendance raises ends the
        run and is raised here."""
        if self._running:
            raise InvalidInputError("the project is running already")
        self._broken = None
        self._news = asyncio.Event()  # a project may be run on several event loops in turn
        left_over = [each for each in self._project if self._attendance.waits_to_go_on(each)]
        try:
            for record in left_over:
                self._start(record)
            while self._broken is None:
                self._news.clear()
                self._start_what_is_ready()
                if not self._running:
                    return
                await self._news.wait()
            raise self._broken
        finally:
            await self._stop()

    def _start_what_is_ready(self) -> None:
        while len(self._running) < self._max_concurrent:
            record = self._project.pop_ready()
            if record is None:
                return
            self._start(record)

    def _start(self, record: TaskRecord) -> None:
        running = self._attendance.start(record)
        self._running.add(running)
        running.add_done_callback(self._ended)

    def _ended(self, running: _Running) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            self._broken = self._broken or error
        self._news.set()

    async def _stop(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
