"""A queue: what is ready, in which order, and who gets it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Protocol

from llmbus.shared.bus.interface import Message, QueueDepth
from llmbus.shared.bus.memory.agenda import Agenda
from llmbus.shared.topology import MAX_PRIORITY, Queue

__all__ = ["MemoryQueue", "QueuedMessage", "Taker"]


@dataclass(slots=True, eq=False)
class QueuedMessage:
    """A message in one queue. Its `place` is what a returned message goes back to."""

    message: Message
    message_id: str
    routing_key: str
    place: tuple[int, int]
    due: float | None
    redelivered: bool = False
    is_ready: bool = True


class Taker(Protocol):
    """A consumer as its queue sees it."""

    @property
    def has_room(self) -> bool: ...

    def take(self, queued: QueuedMessage) -> None: ...


class MemoryQueue:
    """Hands out the most urgent message first and, among equals, the oldest.

    Handing over always happens in a later turn of the event loop, so that whoever publishes or
    settles never finds a consumer's code inside its own call.
    """

    def __init__(
        self,
        spec: Queue,
        agenda: Agenda,
        *,
        on_dead_letter: Callable[[Queue, QueuedMessage, str], None],
        on_expiry: Callable[[MemoryQueue], None],
    ) -> None:
        self.spec = spec
        self.agenda = agenda
        self._on_dead_letter = on_dead_letter
        self._on_expiry = on_expiry
        self._ready: list[tuple[tuple[int, int], QueuedMessage]] = []
        self._arrivals = count()
        self._takers: deque[Taker] = deque()
        self._hand_over_is_scheduled = False
        self._uses = 0
        self.renew_lease()

    @property
    def depth(self) -> QueueDepth:
        return QueueDepth(ready=len(self._ready), consumers=len(self._takers))

    def put(self, message: Message, message_id: str, routing_key: str) -> None:
        """Add a message behind all of its priority."""
        urgency = min(message.priority, MAX_PRIORITY) if self.spec.prioritised else 0
        due = None
        if self.spec.message_ttl is not None:
            due = asyncio.get_running_loop().time() + self.spec.message_ttl.total_seconds()
        place = (-urgency, next(self._arrivals))
        self._make_ready(QueuedMessage(message, message_id, routing_key, place, due))

    def put_back(self, queued: QueuedMessage) -> None:
        """Return what a consumer had taken, into its old place."""
        queued.redelivered = True
        self._make_ready(queued)

    def dead_letter(self, queued: QueuedMessage) -> None:
        """Pass on what a consumer rejected."""
        self._on_dead_letter(self.spec, queued, "rejected")

    def take(self) -> QueuedMessage | None:
        """The message whose turn it is, out of turn with the consumers; None if none is ready."""
        if not self._ready:
            return None
        queued = heappop(self._ready)[1]
        queued.is_ready = False
        return queued

    def attach(self, taker: Taker) -> None:
        self._uses += 1
        self._takers.append(taker)
        self.wake()

    def detach(self, taker: Taker) -> None:
        if taker in self._takers:  # else it was forgotten
            self._takers.remove(taker)
        self.renew_lease()

    def forget_takers(self) -> None:
        """Hand over to none of those who are attached now."""
        self._takers.clear()

    def renew_lease(self) -> None:
        """Start the time anew after which a queue without consumers is deleted.

        As in RabbitMQ, declaring the queue and asking for its depth count as use."""
        self._uses += 1
        if self.spec.expires is not None:
            self.agenda.add_after(
                self.spec.expires, partial(self._expire_if_unused_since, self._uses)
            )

    def wake(self) -> None:
        """Hand over soon whatever can be handed over."""
        if self._ready and self._takers and not self._hand_over_is_scheduled:
            self._hand_over_is_scheduled = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _make_ready(self, queued: QueuedMessage) -> None:
        queued.is_ready = True
        heappush(self._ready, (queued.place, queued))
        if queued.due is not None:
            self.agenda.add(queued.due, partial(self._dead_letter_if_ready, queued))
        self.wake()

    def _hand_over(self) -> None:
        self._hand_over_is_scheduled = False
        while self._ready and (taker := self._next_taker()) is not None:
            if (queued := self.take()) is not None:
                taker.take(queued)

    def _next_taker(self) -> Taker | None:
        for _ in range(len(self._takers)):
            taker = self._takers[0]
            self._takers.rotate(-1)
            if taker.has_room:
                return taker
        return None

    def _dead_letter_if_ready(self, queued: QueuedMessage) -> None:
        if not queued.is_ready:
            return  # a consumer holds it, or it was settled
        queued.is_ready = False
        if self._ready[0][1] is queued:
            heappop(self._ready)
        else:
            self._ready.remove((queued.place, queued))
            heapify(self._ready)
        self._on_dead_letter(self.spec, queued, "expired")

    def _expire_if_unused_since(self, use: int) -> None:
        if use == self._uses and not self._takers:
            self._on_expiry(self)
