"""Making a topology exist, and living with what exists already."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import timedelta

from aiormq.exceptions import ChannelAccessRefused, ChannelClosed, ChannelPreconditionFailed
from pamqp.common import FieldTable

from llmbus.shared.bus.rabbitmq.adoption import OtherTypeError, declare_or_adopt, mismatch
from llmbus.shared.bus.rabbitmq.arguments import (
    ConcreteType,
    concrete_type,
    keeps_priority,
    queue_arguments,
)
from llmbus.shared.bus.rabbitmq.connection import OpenConnection, Version, dotted, reason
from llmbus.shared.bus.rabbitmq.mismatch import Difference
from llmbus.shared.bus.rabbitmq.scratch import ScratchChannels
from llmbus.shared.errors import ConfigurationError, TopologyMismatchError
from llmbus.shared.settings import QueueType
from llmbus.shared.topology import Binding, Exchange, Queue, Topology

__all__ = ["Declarer"]

_log = logging.getLogger("llmbus.bus")


class Declarer:
    """Declares topologies for one bus, and tells once of each thing it has to live with."""

    def __init__(self, queue_type: QueueType, longest_task: timedelta) -> None:
        self._queue_type = queue_type
        self._longest_task = longest_task
        self._told: set[str] = set()

    async def declare(self, topology: Topology, opened: OpenConnection) -> None:
        """See `Bus.declare`. `ConfigurationError` where rights are missing to declare at all."""
        version = opened.broker_version
        # All types are settled before anything is declared, so a refusal leaves nothing behind.
        types: list[ConcreteType] = [
            concrete_type(queue, self._queue_type, version) for queue in topology.queues
        ]
        async with ScratchChannels(opened) as scratch:
            for exchange in topology.exchanges:
                await self._declare_exchange(scratch, exchange)
            for queue, queue_type in zip(topology.queues, types, strict=True):
                await self._declare_queue(scratch, queue, queue_type, version)
            for binding in topology.bindings:
                await self._bind(scratch, binding)

    async def _declare_exchange(self, scratch: ScratchChannels, exchange: Exchange) -> None:
        channel = await scratch.open_channel()
        arguments: FieldTable = {}
        if exchange.alternate is not None:
            arguments["alternate-exchange"] = exchange.alternate
        try:
            await channel.exchange_declare(
                exchange.name, exchange_type=exchange.kind, durable=True, arguments=arguments
            )
        except ChannelPreconditionFailed as error:
            difference = Difference.from_text(reason(error))
            raise TopologyMismatchError(
                f"exchange {exchange.name!r}: {difference or reason(error)};"
                " set LLMBUS_PREFIX for a fresh layout, or delete the exchange"
            ) from None
        except ChannelAccessRefused as error:
            channel = await scratch.open_channel()
            look = channel.exchange_declare(exchange.name, passive=True)
            await self._use_unchecked(f"exchange {exchange.name!r}", look, error)

    async def _declare_queue(
        self, scratch: ScratchChannels, queue: Queue, wanted: ConcreteType, version: Version
    ) -> None:
        other: ConcreteType = "quorum" if wanted == "classic" else "classic"
        problems: list[TopologyMismatchError] = []
        for queue_type in (wanted, other):
            arguments = queue_arguments(queue, queue_type, version, self._longest_task)
            try:
                differences = await declare_or_adopt(scratch, queue, arguments)
            except TopologyMismatchError as problem:
                problems.append(problem)
            except ChannelAccessRefused as error:
                channel = await scratch.open_channel()
                look = channel.queue_declare(queue.name, passive=True)
                await self._use_unchecked(f"queue {queue.name!r}", look, error)
                return
            else:
                if queue_type != wanted:
                    self._adopt_type(queue, Difference("x-queue-type", queue_type, wanted), version)
                for difference in differences:
                    self._tell_of_difference(logging.WARNING, queue, difference)
                return
        # Compared with the wrong type, nearly everything differs: that would hide the point.
        raise min(problems, key=lambda problem: isinstance(problem, OtherTypeError))

    def _adopt_type(self, queue: Queue, difference: Difference, version: Version) -> None:
        if (
            queue.prioritised
            and difference.found == "quorum"
            and not keeps_priority("quorum", version)
        ):
            raise TopologyMismatchError(
                f"{mismatch(queue, difference)}; quorum queues of RabbitMQ {dotted(version)}"
                " do not keep priorities"
            )
        on_purpose = self._queue_type is QueueType.AUTO
        self._tell_of_difference(logging.INFO if on_purpose else logging.WARNING, queue, difference)

    async def _use_unchecked(
        self, what: str, look: Awaitable[object], refusal: ChannelAccessRefused
    ) -> None:
        """What may not be declared is enough if it is there."""
        try:
            await look
        except ChannelClosed:
            raise _may_not(f"declare {what}", refusal) from None
        self._tell(logging.WARNING, f"{what} is used unchecked", refusal)

    async def _bind(self, scratch: ScratchChannels, binding: Binding) -> None:
        channel = await scratch.open_channel()
        try:
            await channel.queue_bind(binding.queue, binding.exchange, binding.routing_key)
        except ChannelAccessRefused as error:
            # Bindings cannot be asked for. A missing one shows when a publish is returned.
            subject = f"binding of {binding.queue!r} to {binding.exchange!r}"
            self._tell(logging.WARNING, f"{subject} is trusted to exist", error)
        except ChannelClosed as error:
            raise ConfigurationError(
                f"queue {binding.queue!r} cannot be bound to {binding.exchange!r}: {reason(error)}"
            ) from None

    def _tell_of_difference(self, level: int, queue: Queue, difference: Difference) -> None:
        self._tell(level, f"queue {queue.name!r}: {difference}; it is used as it is")

    def _tell(self, level: int, text: str, cause: BaseException | None = None) -> None:
        line = text if cause is None else f"{text}: {reason(cause)}"
        if line not in self._told:
            self._told.add(line)
            _log.log(level, "%s", line)


def _may_not(action: str, refusal: ChannelAccessRefused) -> ConfigurationError:
    return ConfigurationError(
        f"the user of LLMBUS_AMQP_URL may not {action}, and it does not exist: {reason(refusal)}"
    )
