"""The three streams of a script: the task comes in on one, the answer alone goes out on another."""

from __future__ import annotations

import fcntl
import os
import select
import sys
from typing import Final

from llmbus.shared.errors import BodyTooLargeError, InvalidTaskError

__all__ = ["AnswerStream", "StdoutLostError", "flush_stderr", "read_stdin"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_CHUNK_BYTES: Final = 1 << 20


class StdoutLostError(Exception):
    """Nobody can read the answer."""


def read_stdin(limit_bytes: int) -> bytes:
    """All of stdin. `InvalidTaskError` if it cannot be read, `BodyTooLargeError` over the limit,
    without reading on."""
    if sys.stdin is None:
        raise InvalidTaskError("stdin is closed: give one JSON task on it")
    body = bytearray()
    try:
        while chunk := _next_chunk():
            body += chunk
            if len(body) > limit_bytes:
                raise BodyTooLargeError(
                    f"stdin holds more than {limit_bytes:,} bytes:"
                    " put large material elsewhere and pass a reference to it"
                )
    except OSError as error:
        raise InvalidTaskError(f"stdin cannot be read: {error.strerror}") from error
    return bytes(body)


def _next_chunk() -> bytes:
    while True:
        try:
            return os.read(_STDIN, _CHUNK_BYTES)
        except BlockingIOError:  # some callers share non-blocking pipes
            select.select((_STDIN,), (), ())


class AnswerStream:
    """The program's stdout, for nothing but the answer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def reserve(cls) -> AnswerStream:
        """Take stdout away from everybody else in this process: what SDKs, C libraries and child
        processes print goes to stderr. `StdoutLostError` if there is no stdout."""
        if sys.stderr is None or _is_broken(_STDERR):
            _send_stderr_nowhere()
        if sys.__stdout__ is None:
            raise StdoutLostError("stdout is closed")
        # Above the standard ones: a closed stdin would otherwise turn into stdout's copy.
        descriptor = fcntl.fcntl(_STDOUT, fcntl.F_DUPFD_CLOEXEC, _STDERR + 1)
        os.dup2(_STDERR, _STDOUT)
        sys.stdout = sys.stderr
        return cls(descriptor)

    def require_reader(self) -> None:
        """`StdoutLostError` if it is known that nobody will read: then nothing should be paid."""
        if _is_broken(self._descriptor):
            raise StdoutLostError("the reader of stdout is gone")

    def write(self, answer: bytes) -> None:
        """Write it all; `StdoutLostError` if that is not possible."""
        rest = memoryview(answer)
        try:
            while rest:
                rest = rest[self._write_some(rest) :]
        except OSError as error:
            raise StdoutLostError(f"stdout cannot be written to: {error.strerror}") from error

    def _write_some(self, rest: memoryview) -> int:
        while True:
            try:
                return os.write(self._descriptor, rest)
            except BlockingIOError:
                select.select((), (self._descriptor,), ())


def flush_stderr() -> None:
    """Before the end: Python would exit by 120 if it could not do this then."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        _send_stderr_nowhere()


def _send_stderr_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, _STDERR)


def _is_broken(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & (select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
