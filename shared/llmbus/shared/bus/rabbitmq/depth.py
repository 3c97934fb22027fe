"""How full queues are."""

from __future__ import annotations

from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity

from llmbus.shared.bus.interface import QueueDepth
from llmbus.shared.bus.rabbitmq.connection import OpenConnection
from llmbus.shared.bus.rabbitmq.losses import is_out_of_reach
from llmbus.shared.bus.rabbitmq.scratch import ScratchChannels
from llmbus.shared.errors import ConfigurationError

__all__ = ["depth_of_each"]


async def depth_of_each(
    queues: tuple[str, ...], opened: OpenConnection
) -> dict[str, QueueDepth | None]:
    """Asked by passive declaration: it needs no rights beyond the queue's, and is never stale."""
    depths: dict[str, QueueDepth | None] = {}
    async with ScratchChannels(opened) as scratch:
        for queue in queues:
            channel = await scratch.open_channel()
            try:
                answer = await channel.queue_declare(queue, passive=True)
            except ChannelNotFoundEntity as error:
                if is_out_of_reach(error):
                    raise
                depths[queue] = None
            except ChannelLockedResource:
                raise ConfigurationError(
                    f"queue {queue!r} is reserved for another connection"
                ) from None
            else:
                depths[queue] = QueueDepth(answer.message_count or 0, answer.consumer_count or 0)
    return depths
