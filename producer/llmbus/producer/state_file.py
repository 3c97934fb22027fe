"""The file in which a project survives its process: one owner, never half written."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from llmbus.producer.project_record import TaskRecord
from llmbus.shared.errors import ConfigurationError, InvalidInputError

__all__ = ["SCHEMA_VERSION", "StateFile", "encode_state", "set_aside"]

SCHEMA_VERSION: Final = 1
_FORMAT: Final = "llmbus project state"


class _Header(msgspec.Struct):
    format: str
    schema_version: int


class _State(_Header):
    tasks: list[TaskRecord]


def encode_state(records: list[TaskRecord]) -> bytes:
    """The content of a state file. `InvalidInputError` if a task holds what JSON cannot."""
    try:
        return msgspec.json.encode(_State(_FORMAT, SCHEMA_VERSION, records))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidInputError(f"the state of the project cannot be written: {error}") from error


class StateFile:
    """One file, locked by this process from `__init__` to `close`.

    `ConfigurationError` if another process has it, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._beside = path.with_name(f".{path.name}.new")
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._lock = self._acquired()
        self._writing = threading.Lock()
        self._written = 0

    def read(self) -> list[TaskRecord]:
        """What was written last; nothing if there is no file yet. `InvalidInputError` for a file
        that is damaged or none of ours, which is left as it is."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(f"cannot read {self.path}: {error.strerror}") from None
        try:
            header = msgspec.json.decode(content, type=_Header)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unusable("is damaged, or no state of a project") from None
        if header.format != _FORMAT:
            raise self._unusable("is no state of a project")
        if header.schema_version != SCHEMA_VERSION:
            raise self._unusable(
                f"has schema_version {header.schema_version} (known: {SCHEMA_VERSION}):"
                " upgrade llmbus, or"
            )
        try:
            return msgspec.json.decode(content, type=_State).tasks
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unusable(f"is damaged ({error})") from None

    def write(self, content: bytes, generation: int) -> None:
        """Replace the content; it is on the disk when this returns. Safe to call from threads: an
        older generation never replaces a newer one."""
        with self._writing:
            if generation <= self._written:
                return
            try:
                self._replace(content)
            except OSError as error:
                raise ConfigurationError(
                    f"cannot write the state file {self.path}: {error.strerror}"
                ) from None
            self._written = generation

    def close(self) -> None:
        """Let others have the file."""
        lock, self._lock = self._lock, -1
        if lock != -1:
            with suppress(FileNotFoundError):
                self._lock_path.unlink()
            os.close(lock)

    def _replace(self, content: bytes) -> None:
        with self._beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._beside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _acquired(self) -> int:
        while True:
            try:
                lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise ConfigurationError(
                    f"cannot write beside the state file {self.path}: {error.strerror}"
                ) from None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                raise ConfigurationError(
                    f"the state file {self.path} is in use by another process: wait for its end,"
                    " or choose another state file"
                ) from None
            if _is_still_at(self._lock_path, lock):
                return lock
            os.close(lock)  # its owner took it away between our two calls

    def _unusable(self, what: str) -> InvalidInputError:
        return InvalidInputError(
            f"the state file {self.path} {what}; move it away to start anew, or choose another one"
        )


def set_aside(path: Path) -> Path | None:
    """Rename the state file to the first free `<stem>.<number><suffix>`, so that its place is free;
    None if there is none. `ConfigurationError` while another process has it."""
    file = StateFile(path)
    try:
        if not path.exists():
            return None
        places = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in count(1))
        place = next(place for place in places if not place.exists())
        path.rename(place)
    except OSError as error:
        raise ConfigurationError(f"cannot rename {path}: {error.strerror}") from None
    finally:
        file.close()
    return place


def _is_still_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
