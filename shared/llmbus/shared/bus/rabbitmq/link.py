"""A connection that comes back by itself."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from llmbus.shared.bus.rabbitmq.address import Address
from llmbus.shared.bus.rabbitmq.connection import OpenConnection, open_connection, reason
from llmbus.shared.bus.rabbitmq.losses import LOST, PAUSE_AFTER_LOSS_SECONDS, loss_as_error
from llmbus.shared.errors import (
    BrokerUnreachableError,
    ClosedError,
    ConfigurationError,
    UnavailableError,
)

__all__ = ["Link"]

_ATTEMPT_TIMEOUT_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 5.0
_log = logging.getLogger("llmbus.bus")
_Result = TypeVar("_Result")


class Link:
    """One connection for one purpose. When it is lost it is opened again, for ever.

    Not aio-pika's robust connection: that restores consumers under their old tags (which kills
    the connection on RabbitMQ 4.3), waits a fixed time without jitter, and has no deadline.
    """

    def __init__(self, address: Address, client_name: str, heartbeat_seconds: int) -> None:
        self._address = address
        self._client_name = client_name
        self._heartbeat_seconds = heartbeat_seconds
        self._current: OpenConnection | None = None
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._trouble = f"no connection to {address} yet"

    @property
    def is_up(self) -> bool:
        """Whether it is open, or has not been needed yet."""
        return self._keeper is None or self._current is not None

    @property
    def is_blocked(self) -> bool:
        """Whether it is open, and the broker takes no publishes on it."""
        return self._current is not None and self._current.is_blocked

    async def open(self, within_seconds: float) -> OpenConnection:
        """The first connection, or why there is none.

        `BrokerLoginError` and `BrokerVhostError` at once: waiting would not help.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        attempt = 0
        while True:
            remaining = deadline - loop.time()
            try:
                opened = await self._attempt(min(remaining, _ATTEMPT_TIMEOUT_SECONDS))
            except UnavailableError as error:
                self._trouble = str(error)
                pause = _pause_seconds(attempt)
                if loop.time() + pause >= deadline:
                    raise self.unreachable(within_seconds) from None
                await asyncio.sleep(pause)
                attempt += 1
            else:
                self._start(opened)
                return opened

    async def connection(self) -> OpenConnection:
        """The open connection; waits for it as long as it takes. `ClosedError` after `close()`."""
        if self._keeper is None and not self._closed.is_set():
            self._start(None)
        while self._current is None:
            if self._closed.is_set():
                raise ClosedError("the bus was closed")
            await self._up.wait()
        return self._current

    async def run(
        self, operation: Callable[[OpenConnection], Awaitable[_Result]], within_seconds: float
    ) -> _Result:
        """The result of an operation that may be repeated when the connection breaks under it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while loop.time() < deadline:  # a timeout's cancellation can get lost, too
                    try:
                        opened = await self.connection()
                        with loss_as_error():
                            return await operation(opened)
                    except LOST as error:
                        self._trouble = f"connection to {self._address} broke: {reason(error)}"
                        await asyncio.sleep(PAUSE_AFTER_LOSS_SECONDS)
        raise self.unreachable(within_seconds)

    def unreachable(self, within_seconds: float) -> BrokerUnreachableError:
        """The error for a caller who has waited that long."""
        return BrokerUnreachableError(f"{self._trouble} (tried for {within_seconds:g} s)")

    async def close(self) -> None:
        """Close the connection and stop opening it again."""
        self._closed.set()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
        opened, self._current = self._current, None
        self._up.set()  # whoever waits for a connection waits in vain
        if opened is not None:
            await opened.close()

    def _start(self, opened: OpenConnection | None) -> None:
        if opened is not None:
            self._set_current(opened)
        self._keeper = asyncio.create_task(self._keep(opened), name=self._client_name)

    def _set_current(self, opened: OpenConnection) -> None:
        self._current = opened
        self._up.set()

    async def _keep(self, opened: OpenConnection | None) -> None:
        if opened is None:
            opened = await self._open_at_last()
        while True:
            why = await opened.until_lost()
            self._current = None
            self._up.clear()
            self._trouble = f"connection to {self._address} lost: {why}"
            _log.warning("%s; opening it again (%s)", self._trouble, self._client_name)
            await opened.close()
            opened = await self._open_at_last()
            _log.info("connection to %s is back (%s)", self._address, self._client_name)

    async def _open_at_last(self) -> OpenConnection:
        attempt = 0
        # Asked again and again, because the cancellation by `close()` can get lost: aiormq may put
        # an error of its own in its place, and wait_for of Python 3.11 drops it when it comes just
        # as the connection opens.
        while not self._closed.is_set():
            try:
                opened = await self._attempt(_ATTEMPT_TIMEOUT_SECONDS)
            except (UnavailableError, ConfigurationError) as error:
                # A broker that is coming up can miss users and vhosts for a moment, so even
                # what looks like a wrong setting is tried again, but not silently.
                if isinstance(error, ConfigurationError) and str(error) != self._trouble:
                    _log.warning("%s; trying again", error)
                self._trouble = str(error)
                await asyncio.sleep(_pause_seconds(attempt))
                attempt += 1
            else:
                self._set_current(opened)
                if not self._closed.is_set():
                    return opened
        raise asyncio.CancelledError

    async def _attempt(self, timeout_seconds: float) -> OpenConnection:
        return await open_connection(
            self._address, self._client_name, self._heartbeat_seconds, timeout_seconds
        )


def _pause_seconds(attempt: int) -> float:
    """Random, so that the clients of a broker that comes back do not arrive all at once."""
    longest = min(_LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(attempt, 10))
    return random.uniform(0.02, longest)  # noqa: S311
