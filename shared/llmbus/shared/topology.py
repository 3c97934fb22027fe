"""Exchanges, queues and bindings as data. Declaring them is the business of a bus.

    submit ──> tasks ──(lane)──> tasks.<lane> ──> worker ──> results ──> results.<orchestrator>
                                    │    ▲           │
                      dead <──rejected   │ due       └──> retry.<ms> (waits, then dead-letters to)
                        └──> fallback    └──────────────────┘
    unrouted ──> parking      what nobody can read or route, kept with its reason

Whoever publishes sees an unroutable message returned. Only `due`, where the broker itself is the
publisher and nobody would hear the return, has an alternate exchange (docs/decisions/0003).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from llmbus.shared.errors import InvalidInputError
from llmbus.shared.ladder import DEFAULT_LADDER, RetryLadder

__all__ = ["MAX_PRIORITY", "Binding", "Exchange", "ExchangeKind", "Layout", "Queue", "Topology"]

MAX_PRIORITY: Final = 10
RESULTS_EXPIRE_AFTER: Final = timedelta(days=7)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ExchangeKind(StrEnum):
    DIRECT = "direct"
    FANOUT = "fanout"


@dataclass(frozen=True)
class Exchange:
    """A durable exchange. `alternate` gets what no binding takes; without it the publisher does."""

    name: str
    kind: ExchangeKind
    alternate: str | None = None


@dataclass(frozen=True)
class Queue:
    """A durable queue, by what it must do; the arguments follow from queue type and broker."""

    name: str
    prioritised: bool = False
    dead_letter_exchange: str | None = None
    message_ttl: timedelta | None = None
    """How long a message waits here before it is dead-lettered (wait queues)."""
    expires: timedelta | None = None
    """How long the queue outlives its last user."""
    replicable: bool = True
    """False for queues that stay classic on every broker."""


@dataclass(frozen=True)
class Binding:
    """What `exchange` passes on to `queue`; a fanout ignores the routing key."""

    exchange: str
    queue: str
    routing_key: str = ""


@dataclass(frozen=True)
class Topology:
    """What must exist. Adding two topologies gives both, each part once."""

    exchanges: tuple[Exchange, ...] = ()
    queues: tuple[Queue, ...] = ()
    bindings: tuple[Binding, ...] = ()

    def __add__(self, other: Topology) -> Topology:
        return Topology(
            tuple(dict.fromkeys(self.exchanges + other.exchanges)),
            tuple(dict.fromkeys(self.queues + other.queues)),
            tuple(dict.fromkeys(self.bindings + other.bindings)),
        )


@dataclass(frozen=True)
class Layout:
    """The names of one deployment. Two layouts with different prefixes never meet."""

    prefix: str = "llmbus"
    ladder: RetryLadder = DEFAULT_LADDER

    @property
    def tasks(self) -> str:
        """Exchange for publishers of tasks; the routing key is the lane."""
        return f"{self.prefix}.tasks"

    @property
    def due(self) -> str:
        """Exchange that brings tasks back from the wait queues."""
        return f"{self.prefix}.due"

    @property
    def dead(self) -> str:
        """Dead-letter exchange of the lanes."""
        return f"{self.prefix}.dead"

    @property
    def results(self) -> str:
        """Exchange for results; the routing key is the orchestrator's name."""
        return f"{self.prefix}.results"

    @property
    def unrouted(self) -> str:
        """Exchange for what cannot be read or routed."""
        return f"{self.prefix}.unrouted"

    @property
    def fallback_queue(self) -> str:
        return f"{self.prefix}.fallback"

    @property
    def parking_queue(self) -> str:
        return f"{self.prefix}.parking"

    def lane_queue(self, lane: str) -> str:
        """The queue of a lane; `InvalidInputError` if the lane cannot be a name."""
        return f"{self.prefix}.tasks.{checked_name(lane, 'lane')}"

    def results_queue(self, orchestrator: str) -> str:
        """The queue of an orchestrator; `InvalidInputError` if that cannot be a name."""
        return f"{self.prefix}.results.{checked_name(orchestrator, 'orchestrator')}"

    def retry(self, delay: timedelta) -> str:
        """Exchange, and queue behind it, of one rung of the ladder."""
        return f"{self.prefix}.retry.{delay // timedelta(milliseconds=1)}"

    def for_tasks(self, lanes: Iterable[str]) -> Topology:
        """All that a task meets on its way, for these lanes."""
        topology = self._foundation() + self._waiting()
        for lane in lanes:
            queue = Queue(self.lane_queue(lane), prioritised=True, dead_letter_exchange=self.dead)
            to_lane = tuple(Binding(source, queue.name, lane) for source in (self.tasks, self.due))
            topology += Topology(queues=(queue,), bindings=to_lane)
        return topology

    def for_results(self, orchestrator: str) -> Topology:
        """Where the results of one orchestrator wait for it. The queue stays classic: it is
        cheap, and nothing that expires when abandoned needs replicas."""
        queue = Queue(
            self.results_queue(orchestrator), expires=RESULTS_EXPIRE_AFTER, replicable=False
        )
        return Topology(
            exchanges=(Exchange(self.results, ExchangeKind.DIRECT),),
            queues=(queue,),
            bindings=(Binding(self.results, queue.name, orchestrator),),
        )

    def _foundation(self) -> Topology:
        return Topology(
            exchanges=(
                Exchange(self.unrouted, ExchangeKind.FANOUT),
                Exchange(self.dead, ExchangeKind.FANOUT),
                Exchange(self.tasks, ExchangeKind.DIRECT),
                Exchange(self.due, ExchangeKind.DIRECT, alternate=self.unrouted),
                Exchange(self.results, ExchangeKind.DIRECT),
            ),
            queues=(Queue(self.parking_queue), Queue(self.fallback_queue, prioritised=True)),
            bindings=(
                Binding(self.unrouted, self.parking_queue),
                Binding(self.dead, self.fallback_queue),
                Binding(self.due, self.fallback_queue, self.fallback_queue),
            ),
        )

    def _waiting(self) -> Topology:
        names = {self.retry(rung): rung for rung in self.ladder.all_rungs()}
        return Topology(
            exchanges=tuple(Exchange(name, ExchangeKind.FANOUT) for name in names),
            queues=tuple(
                Queue(name, dead_letter_exchange=self.due, message_ttl=rung)
                for name, rung in names.items()
            ),
            bindings=tuple(Binding(name, name) for name in names),
        )


def checked_name(name: str, what: str) -> str:
    """The name itself, if it can be part of a queue's name; else an `InvalidInputError`."""
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{what} {name!r} cannot be part of a queue's name:"
            " use letters, digits, '.', '_' and '-', 100 at most"
        )
    return name
