"""Become a program of another root folder, such as one that debootstrap made.

Run as a script: `python -I -S rooted_exec.py ROOT SHARED PROGRAM ARGUMENT…`. The program sees ROOT
as `/`, the machine's processes, devices and host names, and the folder SHARED under its own path.
All mounts are of the program's own namespace: none is seen outside, none outlives it. Needs the
right to mount, which root has; exits 126 without it, and 127 if PROGRAM cannot be run.
"""

import ctypes
import os
import sys
from pathlib import Path

CANNOT_ENTER = 126
CANNOT_RUN = 127
CLONE_NEWNS = 0x0002_0000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
SEEN_IN_EVERY_ROOT = ("/proc", "/dev", "/etc/hosts")

_libc = ctypes.CDLL(None, use_errno=True)


def enter(root: Path, shared: Path) -> None:
    """Raises OSError."""
    where = Path.cwd()
    root.stat()
    _checked(_libc.unshare(CLONE_NEWNS), "a mount namespace")
    _checked(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "/")
    inside = root.joinpath(*shared.parts[1:])
    inside.mkdir(parents=True, exist_ok=True)
    _bind(shared, inside)
    for name in SEEN_IN_EVERY_ROOT:
        target = root.joinpath(name[1:])
        if target.exists() and Path(name).exists():
            _bind(Path(name), target)
    os.chroot(root)
    os.chdir(where)


def _bind(source: Path, target: Path) -> None:
    answer = _libc.mount(bytes(source), bytes(target), None, MS_BIND | MS_REC, None)
    _checked(answer, str(target))


def _checked(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def main(root: str, shared: str, *command: str) -> int:
    try:
        enter(Path(root).resolve(), Path(shared))
    except OSError as error:
        print(f"cannot enter {root}: {error}; entering needs root", file=sys.stderr)
        return CANNOT_ENTER
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} in {root}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
