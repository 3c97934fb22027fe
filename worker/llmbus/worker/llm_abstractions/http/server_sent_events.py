"""The data of a stream of server-sent events, as it arrives.

Not by lines of text: the HTTP libraries also break those at characters such as U+2028, which JSON
may hold unescaped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

__all__ = ["event_data"]

_FIELD: Final = b"data:"


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The `data` of each event. What follows the last blank line is an event cut short: dropped,
    as the specification has it (HTML, 9.2.6)."""
    rest = b""
    data: list[bytes] = []
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(_FIELD):
                data.append(line[len(_FIELD) :].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []
