"""Where `llmbus run` keeps the results."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from llmbus.shared.errors import ConfigurationError
from llmbus.shared.result import ExecutionResult

__all__ = ["ResultsFile"]


class ResultsFile:
    """A file of JSON lines that only ever grows. `ConfigurationError` if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: io.FileIO

    def __enter__(self) -> Self:
        with self._readable_errors():
            self._file = io.FileIO(self.path, "ab")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, result: ExecutionResult) -> None:
        """Append the result. It is with the operating system when this returns, so the bus may
        forget it; if this raises, the bus keeps it."""
        with self._readable_errors():
            self._file.write(msgspec.json.encode(result) + b"\n")

    @contextmanager
    def _readable_errors(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigurationError(
                f"cannot write {self.path}: {error.strerror} (set --results)"
            ) from None
