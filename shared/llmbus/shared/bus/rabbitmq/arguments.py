"""Which AMQP arguments a queue gets, by what it must do, queue type and broker version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from llmbus.shared.bus.rabbitmq.connection import Version, dotted
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import QueueType
from llmbus.shared.topology import MAX_PRIORITY, Queue

__all__ = [
    "Argument",
    "ConcreteType",
    "UnsettledLimits",
    "concrete_type",
    "keeps_priority",
    "queue_arguments",
]

Argument = str | int
ConcreteType = Literal["classic", "quorum"]

_QUORUM_KEEPS_PRIORITY: Final = (4, 3, 0)
_QUEUES_SET_CONSUMER_TIMEOUT: Final = (3, 12, 0)
_CLASSIC_IGNORES_CONSUMER_TIMEOUT: Final = (4, 3, 0)
_CONSUMER_TIMEOUT_MARGIN: Final = timedelta(minutes=10)
_DELIVERY_LIMIT: Final = 20


def concrete_type(queue: Queue, wanted: QueueType, version: Version) -> ConcreteType:
    """Classic or quorum.

    `ConfigurationError` for a prioritised quorum queue before 4.3: the broker would take it and
    silently ignore priorities (3.x) or mix them two to one (4.0 to 4.2).
    """
    if not queue.replicable or wanted is QueueType.CLASSIC:
        return "classic"
    if wanted is QueueType.AUTO:
        return "quorum" if keeps_priority("quorum", version) else "classic"
    if queue.prioritised and not keeps_priority("quorum", version):
        raise ConfigurationError(
            f"LLMBUS_QUEUE_TYPE=quorum needs RabbitMQ 4.3, this is {dotted(version)}, whose quorum"
            " queues do not keep priorities: use classic or auto"
        )
    return "quorum"


def keeps_priority(queue_type: ConcreteType, version: Version) -> bool:
    """Whether queues of that type hand over strictly by priority."""
    return queue_type == "classic" or version >= _QUORUM_KEEPS_PRIORITY


def queue_arguments(
    queue: Queue, queue_type: ConcreteType, version: Version, longest_task: timedelta
) -> dict[str, Argument]:
    """The arguments to declare it with."""
    # Said even for classic: a vhost can have another default.
    arguments: dict[str, Argument] = {"x-queue-type": queue_type}
    if queue.dead_letter_exchange is not None:
        arguments["x-dead-letter-exchange"] = queue.dead_letter_exchange
    if queue.message_ttl is not None:
        arguments["x-message-ttl"] = _milliseconds(queue.message_ttl)
    if queue.expires is not None:
        arguments["x-expires"] = _milliseconds(queue.expires)
    if queue_type == "classic" and queue.prioritised:
        arguments["x-max-priority"] = MAX_PRIORITY
    if queue_type == "quorum":
        arguments |= _quorum_arguments(queue)
    if _takes_consumer_timeout(queue, queue_type, version):
        arguments["x-consumer-timeout"] = _milliseconds(longest_task + _CONSUMER_TIMEOUT_MARGIN)
    return arguments


@dataclass(frozen=True)
class UnsettledLimits:
    """After what time a broker takes back what is not settled."""

    node: timedelta
    """The setting of the node."""
    longest_task: timedelta
    """What our queues are declared for."""

    def of(self, version: Version) -> timedelta:
        """Before 3.12 the node decides, since then the queue. (Classic queues of 4.3 and newer take
        nothing back; to be careful there costs nothing.)"""
        if version < _QUEUES_SET_CONSUMER_TIMEOUT:
            return self.node
        return self.longest_task + _CONSUMER_TIMEOUT_MARGIN


def _quorum_arguments(queue: Queue) -> dict[str, Argument]:
    if queue.dead_letter_exchange is None:
        # From 4.0 on the limit is 20 unless said otherwise, and without a dead-letter exchange
        # what exceeds it is dropped.
        return {"x-delivery-limit": -1}
    return {
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once dead-lettering requires it
        "x-delivery-limit": _DELIVERY_LIMIT,
    }


def _takes_consumer_timeout(queue: Queue, queue_type: ConcreteType, version: Version) -> bool:
    """Queues whose deliveries are held while a task runs: the lanes, and the fallback."""
    if queue.message_ttl is not None or not queue.replicable:
        return False
    if version < _QUEUES_SET_CONSUMER_TIMEOUT:
        return False
    return queue_type == "quorum" or version < _CLASSIC_IGNORES_CONSUMER_TIMEOUT


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
