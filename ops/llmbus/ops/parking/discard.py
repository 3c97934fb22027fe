"""Taking messages out of parking for good, after keeping them elsewhere if that is wanted."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

import msgspec

from llmbus.ops.parking.message import ParkedMessage
from llmbus.ops.parking.record import record
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking, settled_by_ack
from llmbus.shared.errors import ConfigurationError

__all__ = ["DiscardedFile", "discard"]


class DiscardedFile:
    """A file of JSON lines that only ever grows; only its owner may read it, as it holds prompts.
    `ConfigurationError` if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # somebody was interrupted in a line
        except OSError as error:
            raise self._unwritable(error) from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def keep(self, values: dict[str, Any]) -> None:
        """Append a line. It is on the disk when this returns."""
        line = memoryview(msgspec.json.encode(values) + b"\n")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"cannot write {self._path}: {error.strerror} (set --keep); what is not written there"
            " stays in parking"
        )


async def discard(
    parking: Parking, wanted: ParkingFilter, kept: DiscardedFile | None
) -> AsyncGenerator[ParkedMessage]:
    """Yields each message that is gone. It was on the disk before, where it had to be kept."""
    async with aclosing(parking.messages()) as messages:
        async for parked, delivery in messages:
            if wanted.matches(parked):
                if kept is not None:
                    kept.keep(record(parked, delivery))
                await settled_by_ack(delivery)
                yield parked
