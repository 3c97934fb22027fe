"""Starts the suite's programs by forking: everything is imported once, a start takes milliseconds.

Run as a program. Reads one JSON line per program on stdin, writes a line when one has started and
a line when one has ended. The programs are processes of their own in every respect; they die with
this one, and this one dies with the suite.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
import threading
import traceback
from typing import Any, Final

import msgspec

from tests.services.bound_exec import die_with_parent

PROGRAMS: Final = ("tests.faults.worker_program", "tests.faults.orchestrator_program")
WORTH_IMPORTING: Final = (
    "llmbus.worker.llm_abstractions.openai_llm",
    "llmbus.worker.llm_abstractions.openai_llm.chat_body",
    "genai_prices",
)


class Start(msgspec.Struct):
    """Which program to start, and how."""

    name: str
    module: str
    arguments: list[str]
    environment: dict[str, str]
    output: str


class Told(msgspec.Struct):
    """What became of a program: `code` is None when it has started."""

    name: str
    pid: int
    code: int | None = None


def main() -> None:
    for module in (*PROGRAMS, *WORTH_IMPORTING):
        importlib.import_module(module)
    if threading.active_count() != 1:
        raise RuntimeError("a fork would lose the threads that an import has started")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, _wake_up)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    names: dict[int, str] = {}
    unread = b""
    while True:
        ready, _, _ = select.select([0, reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _collect(names)
        if 0 in ready:
            data = os.read(0, 1_048_576)
            if not data:
                return
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                start = msgspec.json.decode(line, type=Start)
                pid = _fork(start)
                names[pid] = start.name
                _tell(Told(start.name, pid))


def _wake_up(_number: int, _frame: object) -> None:
    """The wake-up file descriptor has had its byte by now."""


def _collect(names: dict[int, str]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(Told(names.pop(pid), pid, os.waitstatus_to_exitcode(status)))


def _fork(start: Start) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        die_with_parent(parent)
        code = _run(start)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(start: Start) -> int:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(start.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(start.environment)
    program: Any = importlib.import_module(start.module)
    try:
        program.main(start.arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _tell(told: Told) -> None:
    os.write(1, msgspec.json.encode(told) + b"\n")


if __name__ == "__main__":
    main()
