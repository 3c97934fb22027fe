"""Stands between us and a script, and sees to it that nothing of the script outlives it.

A program of its own, on the standard library alone: `python -I -S guard.py LIFELINE STATUS ARGV…`.
It starts ARGV in a session of its own and writes one line of JSON about its end to the file
descriptor STATUS. When LIFELINE reads end of file (we closed it, or we died), the script is ended:
SIGTERM, a second of grace, SIGKILL. In any case all descendants are killed before the guard ends,
those too that left the process group, because orphans are handed to the guard (Linux).
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_PR_SET_CHILD_SUBREAPER: Final = 36
_GRACE_SECONDS: Final = 1.0


def main() -> None:
    """Run the script given on the command line, and clean up behind it."""
    lifeline, status = int(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # meant for the script; we end by the lifeline
    _become_subreaper()
    ended = _run(sys.argv[3:], lifeline)
    with suppress(BrokenPipeError):
        os.write(status, json.dumps(ended).encode())


def _run(argv: list[str], lifeline: int) -> dict[str, Any]:
    try:
        script = subprocess.Popen(argv, start_new_session=True, restore_signals=True)  # noqa: S603
    except OSError as error:
        return {"not_started": error.errno}
    # Our own ends of the script's pipes: as long as we hold them, no reader sees their end.
    for inherited in (0, 1, 2):
        os.close(inherited)
    ended = os.pidfd_open(script.pid)
    readable, _, _ = select.select([ended, lifeline], [], [])
    if ended not in readable:
        _signal_group(script.pid, signal.SIGTERM)
        select.select([ended], [], [], _GRACE_SECONDS)
    _signal_group(script.pid, signal.SIGKILL)
    code = script.wait()
    _kill_orphans()
    return {"signal": -code} if code < 0 else {"exit_code": code}


def _become_subreaper() -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _kill_orphans() -> None:
    """Every orphan that is reaped may leave orphans of its own, so until there is none."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.exists() and (pids := children.read_text().split()):
        for pid in map(int, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
