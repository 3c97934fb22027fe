"""Become another program that dies with the process that started it, even if that is killed -9.

Run as a script: `python -I -S bound_exec.py PARENT_PID OPEN_FILES PROGRAM ARGUMENT…`. A script
and not a `preexec_fn`, because code between fork and exec can deadlock where threads run.
OPEN_FILES is the soft limit to raise to, 0 leaves it. Exits 127 if PROGRAM cannot be run.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127


def die_with_parent(parent_pid: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above: no signal will come
        os.kill(os.getpid(), signal.SIGKILL)


def raise_open_files(wanted: int) -> None:
    """Never to "unlimited": Erlang sizes its tables by the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft == resource.RLIM_INFINITY or soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def main(parent_pid: str, open_files: str, *command: str) -> int:
    die_with_parent(int(parent_pid))
    if int(open_files):
        raise_open_files(int(open_files))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would inherit that
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
