"""SDK clients by event loop: one for all calls with the same key and address.

A client costs 30 to 80 ms of CPU and 2 to 3 MB, and its connections belong to the event loop that
opened them, so it is neither made per call nor kept in a module global. What a program has not
closed is closed when its event loop ends, as `asyncio.run` and `asyncio.Runner` end it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import suppress
from typing import Protocol, TypeVar, cast

__all__ = ["SdkClient", "close_client", "close_clients", "shared_client"]


class SdkClient(Protocol):
    """What is kept here: something to close."""

    async def close(self) -> None:
        """Close the connections."""
        ...


_Client = TypeVar("_Client", bound=SdkClient)
_clients: dict[asyncio.AbstractEventLoop, dict[Hashable, SdkClient]] = {}
_ends_of_loops: dict[asyncio.AbstractEventLoop, AsyncGenerator[None]] = {}


def shared_client(identity: Hashable, open_client: Callable[[], _Client]) -> _Client:
    """The running loop's client of this identity, opened on first use.

    The identity must name the provider, and the key and address that the client is made for.
    """
    loop = asyncio.get_running_loop()
    of_this_loop = _clients.get(loop)
    if of_this_loop is None:
        _forget_closed_loops()
        of_this_loop = _clients.setdefault(loop, {})
        if loop not in _ends_of_loops:
            _ends_of_loops[loop] = _closing_at_the_end()
    client = of_this_loop.get(identity)
    if client is None:
        client = of_this_loop[identity] = open_client()
    return cast(_Client, client)


async def close_client(identity: Hashable) -> None:
    """Close the running loop's client of this identity, if there is one."""
    client = _clients.get(asyncio.get_running_loop(), {}).pop(identity, None)
    if client is not None:
        await client.close()


async def close_clients() -> None:
    """Close every client of the running loop."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


def _closing_at_the_end() -> AsyncGenerator[None]:
    """A generator that has begun, and that the running loop will end: that closes the clients.

    It is the only thing that a loop awaits for others before it closes.
    """

    async def wait_for_the_end() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await close_clients()

    waiting = wait_for_the_end()
    with suppress(StopIteration):  # that is how it says that it waits
        anext(waiting).__await__().send(None)
    return waiting


def _forget_closed_loops() -> None:
    """A client holds on to its loop, so no weak reference would let either of them go."""
    for loop in (*_clients, *_ends_of_loops):  # a copy: other threads open clients for their loops
        if loop.is_closed():
            _clients.pop(loop, None)
            _ends_of_loops.pop(loop, None)
