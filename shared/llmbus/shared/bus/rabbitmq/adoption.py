"""Declaring one queue, or finding out whether the one that is there will do."""

from __future__ import annotations

from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelClosed,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from pamqp.common import FieldTable

from llmbus.shared.bus.rabbitmq.arguments import Argument
from llmbus.shared.bus.rabbitmq.connection import reason
from llmbus.shared.bus.rabbitmq.mismatch import Difference, breaks_a_promise, what_to_change
from llmbus.shared.bus.rabbitmq.scratch import ScratchChannels
from llmbus.shared.errors import TopologyMismatchError
from llmbus.shared.topology import Queue

__all__ = ["OtherTypeError", "declare_or_adopt", "mismatch"]


class OtherTypeError(TopologyMismatchError):
    """The queue exists with another type than the one it was compared with."""


async def declare_or_adopt(
    scratch: ScratchChannels, queue: Queue, arguments: dict[str, Argument]
) -> list[Difference]:
    """In what an existing queue differs from what we want, as far as that can be lived with.

    `TopologyMismatchError` for what cannot. The broker names one difference at a time, so each
    that is tolerable is taken over to see the next. It does not compare the type first.
    """
    differences: list[Difference] = []
    while True:
        channel = await scratch.open_channel()
        table: FieldTable = dict(arguments)
        try:
            await channel.queue_declare(queue.name, durable=True, arguments=table)
        except ChannelPreconditionFailed as error:
            difference = _tolerable(queue, reason(error))
        except (ChannelAccessRefused, ChannelNotFoundEntity):
            raise  # a right that is missing, or the node that has the queue
        except ChannelClosed as error:
            raise TopologyMismatchError(
                f"queue {queue.name!r}: {reason(error)}; set LLMBUS_PREFIX for a fresh layout"
            ) from None
        else:
            return differences
        if difference in differences:  # taking it over has not helped
            raise mismatch(queue, difference)
        differences.append(difference)
        arguments = _taken_over(arguments, difference)


def mismatch(queue: Queue, difference: Difference) -> TopologyMismatchError:
    """What is there, what is wanted, and what to do about it, in one line."""
    error = OtherTypeError if difference.argument == "x-queue-type" else TopologyMismatchError
    return error(f"queue {queue.name!r}: {difference}; {what_to_change(difference, queue)}")


def _tolerable(queue: Queue, complaint: str) -> Difference:
    difference = Difference.from_text(complaint)
    if difference is None:
        raise TopologyMismatchError(f"queue {queue.name!r}: {complaint}")
    if difference.argument == "x-queue-type" or breaks_a_promise(difference, queue):
        raise mismatch(queue, difference)
    return difference


def _taken_over(arguments: dict[str, Argument], difference: Difference) -> dict[str, Argument]:
    rest = {name: value for name, value in arguments.items() if name != difference.argument}
    return rest if difference.found is None else rest | {difference.argument: difference.found}
