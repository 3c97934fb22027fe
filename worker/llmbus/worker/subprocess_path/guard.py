"""Stands between us and a script, and sees to it that nothing of the script outlives it.

A program of its own, on the standard library alone: `python -I -S guard.py LIFELINE STATUS ARGV…`.
It starts ARGV in a session of its own and writes one line of JSON about its end to the file
descriptor STATUS. When LIFELINE reads end of file (we closed it, or we died), the script is ended:
SIGTERM, a second of grace, SIGKILL. What the script leaves behind is ended in the same way.

On Linux all descendants are found, those too that left the process group or the session, because
orphans are handed to the guard; and the script dies with a guard that is killed. Elsewhere only
the script's process group is reached.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_GRACE_SECONDS: Final = 1.0
_STRAGGLING_SECONDS: Final = 0.2
"""For children that are about to end when the script does."""
_KILLING_SECONDS: Final = 5.0
"""The kernel may hold a process that does not come back from a disk; then we go without it."""
_AGAIN_SECONDS: Final = 0.05
"""How soon to look for descendants that were born while others were killed."""
_ENDED: Final = "ZX"
"""The states of a process that only waits to be reaped."""


def main() -> None:
    """Run the script given on the command line, and clean up behind it."""
    lifeline, status = int(sys.argv[1]), int(sys.argv[2])
    ended = _run(sys.argv[3:], lifeline)
    with suppress(BrokenPipeError):
        os.write(status, json.dumps(ended).encode())


def _run(argv: list[str], lifeline: int) -> dict[str, Any]:
    woken = _wake_on_signals()
    adopts = _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        script = subprocess.Popen(  # noqa: S603
            argv,
            start_new_session=True,
            preexec_fn=_die_with_guard,  # safe: there are no threads
        )
    except OSError as error:
        return {"not_started": error.errno}
    # Our own ends of the script's pipes: as long as we hold them, no reader sees their end.
    for inherited in (0, 1, 2):
        os.close(inherited)
    family = _Family(script, woken, adopts=adopts)
    by_itself = family.wait(lambda: family.script_ended, lifeline)
    left = 0
    if by_itself and not family.wait(lambda: family.gone, for_seconds=_STRAGGLING_SECONDS):
        left = len(family.living())
    family.end()
    code = family.exit_code
    ended = {"signal": -code} if code < 0 else {"exit_code": code}
    return ended | {"by_itself": by_itself, "left_behind": left}


class _Family:
    """The script and all that descends from it."""

    def __init__(self, script: subprocess.Popen[bytes], woken: int, *, adopts: bool) -> None:
        self._script = script
        self._woken = woken
        self._adopts = adopts
        self.gone = False

    @property
    def script_ended(self) -> bool:
        return self._script.returncode is not None

    @property
    def exit_code(self) -> int:
        """Negative for a signal. A script that even SIGKILL did not end counts as killed."""
        code = self._script.returncode
        return -signal.SIGKILL if code is None else code

    def wait(
        self,
        done: Callable[[], bool],
        lifeline: int | None = None,
        *,
        for_seconds: float | None = None,
    ) -> bool:
        """Until it is done, the lifeline is cut, or the time is over; says whether it is done."""
        until = None if for_seconds is None else time.monotonic() + for_seconds
        watched = [self._woken] if lifeline is None else [self._woken, lifeline]
        self._reap()
        while not done():
            left = None if until is None else max(0.0, until - time.monotonic())
            readable, _, _ = select.select(watched, [], [], left)
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if not readable or lifeline in readable:
                break
        return done()

    def end(self) -> None:
        """SIGTERM to all, a second of grace, then SIGKILL until nobody is left."""
        if not self.gone:
            self._signal(signal.SIGTERM)
            self.wait(lambda: self.gone, for_seconds=_GRACE_SECONDS)
        until = time.monotonic() + _KILLING_SECONDS
        while not self.gone and time.monotonic() < until:
            self._signal(signal.SIGKILL)
            self.wait(lambda: self.gone, for_seconds=_AGAIN_SECONDS)
        if not self._adopts:  # then orphans are nobody's whom we could wait for
            _signal_group(self._script.pid, signal.SIGKILL)

    def living(self) -> list[tuple[int, int]]:
        """Process id and process group of each descendant, as far as the system tells."""
        found: dict[int, list[tuple[int, int]]] = {}
        for pid in filter(str.isdecimal, _listed("/proc")):
            with suppress(OSError, ValueError), open(f"/proc/{pid}/stat", "rb") as file:
                state, parent, group = file.read().rpartition(b")")[2].split()[:3]
                if state.decode() not in _ENDED:
                    found.setdefault(int(parent), []).append((int(pid), int(group)))
        below = list(found.get(os.getpid(), ()))
        for process, _ in below:  # it grows while we go
            below += found.get(process, ())
        return below

    def _signal(self, number: signal.Signals) -> None:
        """By groups: a group that forks cannot outrun the signal."""
        groups = {group for _, group in self.living()} - {os.getpgrp()}
        if not groups:
            groups = {self._script.pid}
        for group in groups:
            _signal_group(group, number)

    def _reap(self) -> None:
        """Orphans too: they are ours. Nobody is left when there is nobody to wait for."""
        with suppress(ChildProcessError):
            while not self.gone:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._script.pid:
                    self._script.returncode = os.waitstatus_to_exitcode(status)
            return
        self.gone = True


def _wake_on_signals() -> int:
    """What becomes readable at every signal. Ours are caught, not ignored: a program that is
    started inherits what is ignored, and would not hear a SIGTERM."""
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _only_wake)
    return woken


def _only_wake(number: int, frame: object) -> None:
    """What ends the guard is the lifeline."""


def _die_with_guard() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> bool:
    """Whether the system could do it: Linux can."""
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0) == 0)
    return False


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


if __name__ == "__main__":
    main()
