"""The program's end of its line to the suite: reports what happens, stands still where it is told.

Everything goes through one blocking Unix socket, so the suite hears of it in the order in which it
happened. A report is a write into a local buffer; only a stop waits.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from tests.faults.history import Fact
from tests.faults.steps import Step

__all__ = ["ORDER", "GateClient", "Report"]

ORDER: Final = b"do "
"""Begins a line by which the suite has a program do something; all others let it go on."""


class Report(msgspec.Struct, omit_defaults=True):
    """One line from a program to the suite."""

    fact: Fact
    step: Step | None = None
    """Not None: the program stands still until the suite answers with `stop`."""
    stop: int = 0
    task: str = ""
    attempt: int = 0
    number: int = 0
    delivery: str = ""
    digest: str = ""
    note: str = ""


class GateClient:
    """`stops`: the steps at which the program waits for the suite; at others it only reports."""

    def __init__(self, path: str, who: str, stops: Collection[Step]) -> None:
        self._stops = frozenset(stops)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.sendall(who.encode() + b"\n")
        self._count = 0
        self._unread = b""
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._gone: set[int] = set()
        self.on_order: Callable[[str], object] = str
        """Called with what the suite wants done, as the application's code would."""

    def attach(self) -> None:
        """Wait for the suite's answers on the running event loop."""
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        """Nothing more is told."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def report(self, fact: Fact, **fields: Any) -> None:
        """Tell, and go on."""
        self._send(Report(fact, **fields))

    async def reach(self, step: Step, fact: Fact, **fields: Any) -> None:
        """Tell, and wait if this is one of the steps to stop at. The event loop goes on."""
        if step not in self._stops:
            self.report(fact, **fields)
            return
        number = self._stop_number()
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send(Report(fact, step, number, **fields))
        try:
            await answer
        finally:
            del self._waiting[number]

    def reach_now(self, step: Step, fact: Fact, **fields: Any) -> None:
        """As `reach`, where nothing can be awaited: the whole process stands still."""
        if step not in self._stops:
            self.report(fact, **fields)
            return
        number = self._stop_number()
        self._send(Report(fact, step, number, **fields))
        while number not in self._gone:
            self._read()
        self._gone.discard(number)

    def _stop_number(self) -> int:
        self._count += 1
        return self._count

    def _send(self, report: Report) -> None:
        self._socket.sendall(msgspec.json.encode(report) + b"\n")

    def _read(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise SystemExit("the fault suite has gone")
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if line.startswith(ORDER):
                self.on_order(line.removeprefix(ORDER).decode())
                continue
            number = int(line)
            waiting = self._waiting.get(number)
            if waiting is None:
                self._gone.add(number)
            elif not waiting.done():
                waiting.set_result(None)
