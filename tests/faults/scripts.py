"""The scripts of one run's fallback as processes: watched, harmed, and looked for at the end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Self

from tests.faults.gatekeeper import Reached
from tests.faults.history import Fact, History

__all__ = ["Scripts"]

_ORIGINAL: Final = Path(__file__).with_name("watched_script.py")
_LOOK_SECONDS: Final = 0.05
_GUARD_SECONDS: Final = 5.0
"""For the guard of a consumer that was killed: SIGTERM, a second of grace, SIGKILL."""


class Scripts:
    """All that run in this run, by the ids of their processes. A context manager: at its end
    whatever is still there is killed."""

    def __init__(self, folder: Path, history: History) -> None:
        self.folder = folder / "scripts"
        self.homes = folder / "homes"
        """Under which every script has a home of its own."""
        self._mark = f"HOME={self.homes}/".encode()
        self._history = history
        self._watched: dict[int, tuple[int, Reached]] = {}
        """By process id: a file descriptor of the process, and where it began."""

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self.homes.mkdir()
        shutil.copy(_ORIGINAL, self.folder / "execute_gpt.py")
        return self

    def __exit__(self, *_: object) -> None:
        for process in list(self._watched):
            self._forget(process)
        for process, _words in self._living():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def spoil(self, task: str, how: str) -> None:
        """The next script of this task goes wrong so."""
        (self.folder / f"{task}.spoilt").write_text(how)

    def watch(self, at: Reached) -> None:
        """From now on its end is seen."""
        try:
            descriptor = os.pidfd_open(at.process)
        except ProcessLookupError:
            self._history.record(Fact.SCRIPT_ENDED, at.who, at.task, number=at.process)
            return
        surroundings = _read(Path(f"/proc/{at.process}/environ"))
        if surroundings and self._mark not in surroundings:  # left-overs would not be found either
            self._history.record(Fact.UNEXPECTED_OUTPUT, at.who, at.task, note="not at home")
        self._watched[at.process] = descriptor, at
        asyncio.get_running_loop().add_reader(descriptor, partial(self._ended, at))

    def send(self, task: str, number: signal.Signals) -> None:
        """To the newest script of this task. Nothing happens if it has ended."""
        for descriptor, at in reversed(self._watched.values()):
            if at.task == task:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
                return

    def kill_guard(self, task: str) -> None:
        """What the product has set above the newest script of this task."""
        for process, (_, at) in reversed(self._watched.items()):
            if at.task == task:
                with suppress(OSError):
                    stat = Path(f"/proc/{process}/stat").read_text()
                    os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)
                return

    async def look_for_left_overs(self, patience_seconds: float = _GUARD_SECONDS) -> None:
        """Nobody holds a task any more: no process of a script may be there for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while self._living():  # noqa: ASYNC110  processes that are not ours set no event
                    await asyncio.sleep(_LOOK_SECONDS)
        for process, words in self._living():
            self._history.record(Fact.LEFT_BEHIND, number=process, note=words)

    def _ended(self, at: Reached) -> None:
        self._history.record(Fact.SCRIPT_ENDED, at.who, at.task, number=at.process)
        self._forget(at.process)

    def _forget(self, process: int) -> None:
        descriptor, _ = self._watched.pop(process)
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)

    def _living(self) -> list[tuple[int, str]]:
        """The processes that have a script's home in their environment, and their command lines.
        A script's descendants have it, and so has its guard."""
        return [
            (int(entry.name), _words_of(entry))
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and self._mark in _read(entry / "environ")
        ]


def _words_of(process: Path) -> str:
    return _read(process / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def _read(file: Path) -> bytes:
    """Nothing of a process that has ended, or that is not ours."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
