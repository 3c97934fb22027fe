"""Opening one connection, and saying in our own words why it could not be opened."""

from __future__ import annotations

import asyncio
import re
import traceback
from contextlib import suppress
from typing import Any, Final, cast

from aio_pika.connection import Connection, make_url
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.channel import Channel
from aiormq.exceptions import AuthenticationError, ProbableAuthenticationError
from pamqp.commands import Connection as ConnectionFrames

from llmbus.shared.bus.rabbitmq.address import Address
from llmbus.shared.bus.rabbitmq.library_logs import our_connection
from llmbus.shared.bus.rabbitmq.losses import LOST, loss_as_error
from llmbus.shared.errors import BrokerLoginError, BrokerUnreachableError, BrokerVhostError

__all__ = ["OpenConnection", "Version", "dotted", "open_connection", "reason"]

Version = tuple[int, int, int]

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class OpenConnection:
    """A connection that was opened; it may have been lost since.

    Channels are opened below aio-pika's wrappers, which cost more per message than what they add.
    """

    def __init__(self, outer: Connection, inner: AbstractConnection) -> None:
        self._outer = outer
        self._inner = inner

    @property
    def broker_version(self) -> Version:
        """Of the broker at the other end; all zeros if it does not tell."""
        properties: dict[str, object] = dict(self._inner.server_properties or {})
        found = _VERSION.match(str(properties.get("version", "")))
        return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)

    @property
    def is_blocked(self) -> bool:
        """Whether the broker has stopped reading what we publish here, and has said so."""
        # aiormq handles the frame and offers nothing but an endless wait for its end.
        unblocked: asyncio.Event = cast(Any, self._inner)._Connection__connection_unblocked
        return not unblocked.is_set()

    async def publishing_channel(self) -> Channel:
        """A channel with confirmations, on which a returned message is an error."""
        return cast(Channel, await self._inner.channel(on_return_raises=True))

    async def plain_channel(self) -> AbstractChannel:
        """A channel for anything but publishing."""
        return await self._inner.channel(publisher_confirms=False)

    async def until_lost(self) -> str:
        """Returns when the connection is gone, and tells why."""
        lost: asyncio.Future[object] = cast(Any, self._inner).closing
        await asyncio.wait((lost,))
        error = asyncio.CancelledError() if lost.cancelled() else lost.exception()
        if isinstance(error, asyncio.CancelledError):
            return "no heartbeat"
        return reason(error)

    async def close(self) -> None:
        """Close it, at the broker too if that still answers."""
        with suppress(*LOST), loss_as_error():
            await self._outer.close()
        await self._release_writers()

    async def _release_writers(self) -> None:
        """Let go of whoever waits for room in the queue of a writer that no longer runs.

        aiormq leaves them waiting for ever. Released, they find their channel closed.
        """
        queue: asyncio.Queue[object] = cast(Any, self._inner).write_queue
        while not queue.empty():
            queue.get_nowait()
            await asyncio.sleep(0)


async def open_connection(
    address: Address, client_name: str, heartbeat_seconds: int, timeout_seconds: float
) -> OpenConnection:
    """One attempt.

    `BrokerLoginError`, `BrokerVhostError`; `BrokerUnreachableError` for all that may pass.
    """
    url = make_url(address.secret.get_secret_value(), heartbeat=heartbeat_seconds)
    # Not aio_pika.connect(): a connection that failed and is not closed complains when collected.
    outer = Connection(url, client_properties={"connection_name": client_name})
    try:
        with our_connection():
            await outer.connect(timeout=timeout_seconds)
        if outer.transport is None:
            raise ConnectionError("closed at once")
    except Exception as error:
        await outer.close()
        raise _explained(error, address) from None
    except BaseException:
        await outer.close()
        raise
    return OpenConnection(outer, outer.transport.connection)


def dotted(version: Version) -> str:
    """The version as people write it."""
    return ".".join(map(str, version))


def reason(error: BaseException | None) -> str:
    """What an error of the AMQP library says, in one line."""
    if error is None:
        return "closed"
    if isinstance(error, TimeoutError):
        return "no answer"
    text = " ".join(str(part) for part in error.args if part is not None) or type(error).__name__
    return " ".join(text.split())


def _explained(
    error: Exception, address: Address
) -> BrokerLoginError | BrokerVhostError | BrokerUnreachableError:
    if isinstance(error, (ProbableAuthenticationError, AuthenticationError)):
        return BrokerLoginError(
            f"the broker at {address} refused user {address.user!r}:"
            " check user and password in LLMBUS_AMQP_URL"
        )
    refusal = _refusal_to_open(error)
    if refusal is None:
        return BrokerUnreachableError(f"no connection to {address}: {reason(error)}")
    if "limit" in refusal:
        return BrokerUnreachableError(f"no connection to {address}: {refusal}")
    return BrokerVhostError(
        f"the broker at {address} did not open vhost {address.vhost!r} for user {address.user!r}"
        f" ({refusal}): check the path of LLMBUS_AMQP_URL"
    )


def _refusal_to_open(error: Exception) -> str | None:
    """The broker's words when it closes the connection instead of opening the vhost.

    aiormq only reports an unexpected frame. The words stand in that frame, which is found among
    the variables of the failed call; without them the error would not tell a missing vhost
    from a missing right or a connection limit.
    """
    if "Connection.OpenOk" not in str(error):
        return None
    for call, _ in traceback.walk_tb(error.__traceback__):
        frame = call.f_locals.get("frame")
        if isinstance(frame, ConnectionFrames.Close):
            return str(frame.reply_text)
    return "it gave no reason"
