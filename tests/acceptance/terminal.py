"""A terminal of a test's own: what a program draws on it, and how the program leaves it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
from typing import Any, Final, Self

import pytest

from tests.support.programs import PATIENCE_SECONDS

__all__ = ["Terminal"]

ROWS, COLUMNS = 40, 140
CURSOR_OFF, CURSOR_ON = "\x1b[?25l", "\x1b[?25h"
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """Pass `program_side` as a program's stdin, stdout and stderr."""

    def __init__(self) -> None:
        self._our_side, self.program_side = os.openpty()
        fcntl.ioctl(self.program_side, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
        self._before = self._modes()
        self._drawn = bytearray()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._our_side, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._our_side)
        os.close(self._our_side)
        os.close(self.program_side)

    @property
    def raw(self) -> str:
        return self._drawn.decode(errors="replace")

    @property
    def text(self) -> str:
        """All that was ever drawn, one picture after the other, without colours and movements."""
        return _CONTROL.sub("", self.raw)

    def has_row(self, *parts: str) -> bool:
        """Whether a line was drawn that has these parts in this order."""
        row = re.compile(".*".join(map(re.escape, parts)))
        return any(row.search(line) for line in self.text.splitlines())

    async def until_row(self, *parts: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self.has_row(*parts):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"no row with {parts} was drawn; the last pictures:\n{self.text[-6_000:]}")

    def is_as_before(self) -> bool:
        """Whether its modes are as they were and the cursor can be seen."""
        return self._modes() == self._before and self.raw.rfind(CURSOR_ON) >= self.raw.rfind(
            CURSOR_OFF
        )

    def type(self, keys: bytes) -> None:
        os.write(self._our_side, keys)

    def _modes(self) -> list[Any]:
        return termios.tcgetattr(self.program_side)

    def _read(self) -> None:
        self._drawn += os.read(self._our_side, 65_536)
        self._news.set()
