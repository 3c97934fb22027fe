"""Child processes that never outlive this process, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from tests.services.waiting import wait_until_gone

BOUND_EXEC = Path(__file__).with_name("bound_exec.py")

# The kernel sends the parent-death signal when the *thread* that forked ends. A caller's thread
# (asyncio.to_thread, a test's own) may end early; this one lives as long as the interpreter.
_forking_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="test-services-fork")


class Child:
    """A running child process and, if it leads one, its process group."""

    def __init__(self, popen: subprocess.Popen[bytes], *, leads_group: bool) -> None:
        self._popen = popen
        self._leads_group = leads_group

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        return self._popen.wait(timeout)

    def signal(self, signum: int) -> None:
        self._popen.send_signal(signum)

    def kill_without_waiting(self) -> None:
        self._popen.kill()

    def kill(self) -> None:
        """SIGKILL to the child and all below it, and wait for their end. May be called again."""
        below = self._descendants() if self._leads_group else []
        if self._leads_group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.kill()
        self._popen.wait()
        for process in below:  # Erlang's helpers have groups of their own
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until_gone(process.pid for process in below)

    def _descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._popen.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | None = None,
    folder: Path | None = None,
    own_group: bool = True,
    open_files: int = 0,
) -> Child:
    """Start `command` so that it is killed when this process ends, in any way.

    `output` takes stdout and stderr (inherited if None). With `own_group` a Ctrl-C in the
    terminal does not reach it, its stdin is empty, and `Child.kill` reaches its children too.
    """
    bound: list[str | Path] = [
        *(sys.executable, "-I", "-S", BOUND_EXEC, str(os.getpid()), str(open_files)),
        *command,
    ]
    starting = _forking_thread.submit(
        subprocess.Popen,
        bound,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL if own_group else None,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=own_group,
    )
    return Child(starting.result(), leads_group=own_group)
