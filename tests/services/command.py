"""Running one command beside the services, and passing on the signals that are meant for it."""

import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from tests.services.processes import spawn

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked this process to end while it was starting the services."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum


@contextmanager
def interruptible() -> Generator[None]:
    """The first ending signal raises Interrupted in the main thread; later ones are ignored."""

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        ignore_ending_signals()
        raise Interrupted(signum)

    previous = {signum: signal.signal(signum, interrupt) for signum in ENDING_SIGNALS}
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def ignore_ending_signals() -> None:
    """For the clean-up, which must not be cut short."""
    for signum in ENDING_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run to its end and give its exit code, 128 + n for signal n, 127 if it cannot be run.

    It stays in this process group, so the terminal is its own. A first signal is passed on, a
    second one kills it.
    """
    child = spawn(command, environment=environment, own_group=False)
    for signum in ENDING_SIGNALS:
        signal.signal(signum, _passing_on(child.signal, child.kill_without_waiting))
    try:
        code = child.wait()
    finally:
        ignore_ending_signals()
        child.kill()
    return code if code >= 0 else 128 - code


def _passing_on(
    pass_on: Callable[[int], None], kill: Callable[[], None]
) -> Callable[[int, FrameType | None], None]:
    received: list[int] = []

    def handle(signum: int, _frame: FrameType | None) -> None:
        received.append(signum)
        if len(received) > 1:
            kill()
        elif signum != signal.SIGINT or not _is_in_terminal_foreground():
            pass_on(signum)

    return handle


def _is_in_terminal_foreground() -> bool:
    """Then a Ctrl-C has reached the command already, and twice would abort a pytest at once."""
    with suppress(OSError), open("/dev/tty", "rb") as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False
