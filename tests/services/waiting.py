"""Waiting for a condition instead of for a time."""

import time
from collections.abc import Callable, Iterable

import psutil

POLL_INTERVAL = 0.02


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as `condition` is true. Raises TimeoutError, naming `what`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(POLL_INTERVAL)


def wait_until_gone(pids: Iterable[int], *, seconds: float = 15.0) -> None:
    """Return when none of the processes runs any more. Raises TimeoutError."""
    watched = list(pids)
    wait_for(lambda: all(map(is_gone, watched)), seconds=seconds, what=f"processes {watched} gone")


def is_gone(pid: int) -> bool:
    """A zombie counts as gone: whoever inherits it may take its time to collect it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
