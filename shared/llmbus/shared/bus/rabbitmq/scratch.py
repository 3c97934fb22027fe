"""Channels to throw away."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from aiormq.abc import AbstractChannel

from llmbus.shared.bus.rabbitmq.connection import OpenConnection
from llmbus.shared.bus.rabbitmq.losses import LOST, loss_as_error

__all__ = ["ScratchChannels"]


class ScratchChannels:
    """Gives a channel that is open, for questions whose answer "no" closes the channel."""

    def __init__(self, opened: OpenConnection) -> None:
        self._opened = opened
        self._channel: AbstractChannel | None = None

    async def open_channel(self) -> AbstractChannel:
        """The last channel, or a new one if the broker has closed that."""
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._opened.plain_channel()
        return self._channel

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._channel is not None:
            with suppress(*LOST), loss_as_error():
                await self._channel.close()
