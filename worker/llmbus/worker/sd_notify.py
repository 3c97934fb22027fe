"""Tells systemd how the worker is (sd_notify), if systemd has asked for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import Self

__all__ = ["ServiceManager"]


class ServiceManager:
    """Sends states to the socket of `NOTIFY_SOCKET`; without one it does nothing.

    A word that does not arrive is not repeated: systemd may be restarting, the work goes on.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None) -> None:
        """`address` begins with `/`, or with `@` for an abstract socket."""
        self._address = "\0" + address[1:] if address and address[0] == "@" else address
        self._watchdog_seconds = watchdog_seconds if address else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """What systemd has put there for this process."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant_for = environment.get("WATCHDOG_PID") or str(os.getpid())
        watched = microseconds.isdecimal() and meant_for == str(os.getpid())
        seconds = int(microseconds) / 1e6 if watched else 0.0
        return cls(environment.get("NOTIFY_SOCKET") or None, seconds or None)

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={text}")

    async def keep_alive(self, is_live: Callable[[], bool]) -> None:
        """Feed systemd's watchdog at half its time while `is_live()`, for ever; returns at once if
        there is none. It runs in the event loop on purpose: a loop that hangs feeds nothing."""
        if self._watchdog_seconds is None:
            return
        while True:
            if is_live():
                self._tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_seconds / 2)

    def _tell(self, line: str) -> None:
        if self._address is None:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel,
        ):
            channel.setblocking(False)
            channel.sendto(line.encode(), self._address)
