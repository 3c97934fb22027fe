"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.support.loop_errors import LoopErrors

_Result = TypeVar("_Result")


class _NeverWaits(selectors.DefaultSelector):
    """Says that the time to wait is over at once, and remembers how much of it there was."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("the test waits for something, and no timer is set")
            self.skipped_seconds += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Fit for what happens inside this process only: sockets get no time to answer."""

    def __init__(self) -> None:
        self._never_waits = _NeverWaits()
        super().__init__(self._never_waits)

    def time(self) -> float:
        return self._never_waits.skipped_seconds

    def block(self, seconds: float) -> None:
        """Let that much time pass in the caller, as code that blocks the loop does."""
        self._never_waits.skipped_seconds += seconds


def run_in_virtual_time(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end; hours of waiting pass in no time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        errors = LoopErrors(runner.get_loop())
        result = runner.run(main)
    errors.fail_on_any()
    return result
