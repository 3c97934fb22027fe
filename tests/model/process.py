"""A worker process inside the model: it freezes, thaws and dies between any two of its awaits."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from typing import Any, Final

__all__ = ["Process", "make_task"]

_MOST_AWAITS_OF_A_DEAD_TASK: Final = 1_000
_running: ContextVar[Process] = ContextVar("_running")


class Process:
    """All asyncio tasks that were created by code which `spawn` started, or `call` ran.

    A frozen process takes no step: what happens to it meanwhile waits for the thaw. A killed one
    never gets anything back from what it awaits; so whatever it does to the outside world has to
    stand behind an await.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_frozen = False
        self._tasks: dict[asyncio.Task[Any], None] = {}
        """In order: a history that is repeated has to go the same way."""
        self._sleepers: list[asyncio.Future[None]] = []
        self._backlog: list[Callable[[], object]] = []
        self._context = copy_context()
        self._context.run(_running.set, self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a part of this process."""
        return self._context.run(asyncio.create_task, work)

    def call(self, callback: Callable[[], object]) -> None:
        """Run it as a part of this process: now, or when it thaws."""
        if self.is_frozen:
            self._backlog.append(callback)
        elif self.is_alive:
            self._context.run(callback)

    def freeze(self) -> None:
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False
        backlog, self._backlog = self._backlog, []
        for callback in backlog:
            self.call(callback)
        self._wake()

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up, as far as anybody else can see."""
        self.is_alive = self.is_frozen = False
        self._backlog.clear()
        self._wake()
        for task in tuple(self._tasks):
            task.cancel()

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """This task belongs to the process."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def step_by_step(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do the work, as fast as the process may go."""
        return await self._steps(work)

    @types.coroutine
    def _steps(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        error: BaseException | None = None
        while True:
            while self.is_frozen:
                try:
                    yield from self._until_thawed()
                except asyncio.CancelledError as cancelled:
                    error = cancelled
            if not self.is_alive:
                return _end(work)
            try:
                awaited = work.send(None) if error is None else work.throw(error)
            except StopIteration as end:
                return end.value
            error = None
            try:
                yield awaited
            except BaseException as thrown:  # whatever it is, it is meant for the work
                error = thrown

    def _until_thawed(self) -> asyncio.Future[None]:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        return sleeper

    def _wake(self) -> None:
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)


def make_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """A task factory: tasks that a process creates belong to it."""
    assert isinstance(work, Coroutine)
    context = options.get("context")
    process = context.get(_running) if context is not None else _running.get(None)
    if process is None:
        return asyncio.Task(work, loop=loop, **options)
    task = asyncio.Task(process.step_by_step(work), loop=loop, **options)
    process.adopt(task)
    task.add_done_callback(lambda _: work.close())  # cancelled before its first step
    return task


def _end(work: Coroutine[Any, Any, Any]) -> None:
    """Unwind it, and let nothing that it awaits on its way out come true."""
    for _ in range(_MOST_AWAITS_OF_A_DEAD_TASK):
        try:
            work.throw(asyncio.CancelledError())
        except BaseException:
            return
    raise RuntimeError(f"{work!r} of a killed process does not end")
