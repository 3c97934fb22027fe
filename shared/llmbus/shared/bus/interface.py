"""What a transport must do. One contract suite (tests/contracts) holds every transport to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Protocol, Self

from llmbus.shared.topology import Topology

__all__ = [
    "UNNAMED",
    "Bus",
    "BusCondition",
    "Delivery",
    "HeaderValue",
    "Message",
    "OnDelivery",
    "QueueDepth",
    "Subscription",
    "Visit",
]

HeaderValue = str | int

UNNAMED: Final = "unnamed-"
"""How the message id begins of what another program published without one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, without what belongs to one publish (the bus makes a fresh message id)."""

    body: bytes
    type: str
    """What the body is, such as `agent.task.v1`."""
    correlation_id: str
    """The task id: the idempotency key, the same on every publish of one task."""
    priority: int
    """0 to 9, always set: brokers disagree about what a missing one means."""
    content_type: str = "application/json"
    reply_to: str | None = None
    """The orchestrator that waits for the result."""
    timestamp: datetime | None = None
    """When it was put into its queue; whole seconds on the wire."""
    headers: Mapping[str, HeaderValue] = field(default_factory=dict[str, HeaderValue])
    dead_letter_reason: str | None = None
    """Why the broker itself moved it here last, such as `rejected` or `delivery_limit`. Its note,
    not ours: a publish leaves it out."""


class Delivery(Protocol):
    """One hand-over of a message by the broker. Settle it once, by one of the three methods.

    Each of them raises `DeliveryLostError` when the channel is gone: then there is nothing to
    do, the broker hands the message over again.
    """

    @property
    def message(self) -> Message: ...

    @property
    def message_id(self) -> str:
        """One per publish: equal only for redeliveries of the same message. One that begins with
        `UNNAMED` is new at each hand-over."""
        ...

    @property
    def queue(self) -> str: ...

    @property
    def routing_key(self) -> str: ...

    @property
    def redelivered(self) -> bool:
        """Whether the broker has handed this message over before."""
        ...

    async def ack(self) -> None:
        """The message is dealt with: the broker forgets it."""
        ...

    async def nack(self) -> None:
        """Return the message to its queue, in its place, for anyone to take."""
        ...

    async def reject(self) -> None:
        """Hand the message to the queue's dead-letter exchange."""
        ...


OnDelivery = Callable[[Delivery], None]
"""Takes a delivery over and returns at once. It cannot be a coroutine on purpose: the transport
cancels what it awaits when a connection breaks, and a paid call must outlive that."""


class Subscription(Protocol):
    """A consumer on one queue. It survives reconnects."""

    @property
    def is_consuming(self) -> bool:
        """Whether we believe that the broker hands over to it now. `Bus.depths` tells what the
        broker believes."""
        ...

    async def cancel(self) -> None:
        """Take nothing more. Deliveries handed over before stay valid and must be settled."""
        ...


class Visit(Protocol):
    """One look through a queue, message by message from its head, as an async context manager.
    It gives at most as many as were ready when it began, so what arrives meanwhile cannot make it
    endless.

    What it takes is held: nobody else gets it until it is settled or the visit ends. At the end
    whatever is unsettled returns to the queue, on classic queues into its place. A visit ends with
    its connection; it never comes back by itself.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def next(self) -> Delivery | None:
        """The next message that nobody holds; None at the end, from then on.

        `ConfigurationError` if the queue does not exist or may not be read;
        `BrokerUnreachableError` if the connection is lost: what was held has gone back.
        """
        ...


@dataclass(frozen=True, slots=True)
class BusCondition:
    """What a bus can do at this moment, as far as its own end knows.

    A network that swallows everything shows only when the heartbeats are missed.
    """

    connected: bool
    """Every connection that has been needed so far is open."""
    blocked: bool
    """The broker has told us that it takes no publishes, for a memory or disk alarm. Taking and
    settling go on. RabbitMQ tells only those who publish, so who has published nothing since it
    connected does not know."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """What a queue holds that nobody has taken, and how many consumers it has."""

    ready: int
    consumers: int


class Bus(Protocol):
    """A connection to the broker, as an async context manager.

    It reconnects by itself and keeps its subscriptions. After a reconnect, unsettled messages come
    again with `redelivered` set and an equal `message_id`.
    """

    @property
    def condition(self) -> BusCondition:
        """How it is now; neither connected nor blocked while it is not open."""
        ...

    async def __aenter__(self) -> Self:
        """Connect. `BrokerUnreachableError`, `BrokerLoginError` or `BrokerVhostError`."""
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close. What was handed over and not settled goes back to its queue."""
        ...

    @property
    def unsettled_limit(self) -> timedelta | None:
        """After what time the broker takes back what is not settled; None: never. Known once the
        bus is open."""
        ...

    async def declare(self, topology: Topology) -> None:
        """Make it exist; adopt what exists already. `TopologyMismatchError` where a queue exists
        with arguments under which the promises cannot be kept."""
        ...

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """Returns once the broker has confirmed that the message is in a queue.

        Repeats the attempt, under a fresh message id, until the publish timeout of the settings
        is over. `UnroutableError`: no queue; `PublishRefusedError`: the broker said no;
        `PublishUnknownError`: no answer in time, the message may be queued;
        `BrokerUnreachableError`: there was no connection in all that time.
        """
        ...

    async def consume(self, queue: str, prefetch: int, on_delivery: OnDelivery) -> Subscription:
        """Hand over what arrives in `queue`, with at most `prefetch` unsettled at a time."""
        ...

    def visit(self, queue: str) -> Visit:
        """A look through `queue`, for operators."""
        ...

    async def depths(self, queues: Iterable[str]) -> dict[str, QueueDepth | None]:
        """How full each queue is now; None for a queue that does not exist."""
        ...
