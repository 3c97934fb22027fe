"""How full each queue is: the query behind `llmbus status` and whatever shows it next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from llmbus.ops.management import ListedQueue, ManagementApi, ManagementUnavailableError
from llmbus.shared.agents import AgentType
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import Clock
from llmbus.shared.errors import LlmbusError
from llmbus.shared.store.interface import Store
from llmbus.shared.topology import Layout

__all__ = [
    "QueueKind",
    "QueueReport",
    "QueueSource",
    "QueueStatus",
    "by_api",
    "by_bus",
    "note_of",
    "warnings_of",
]


class QueueKind(StrEnum):
    """What a queue is for; in the order in which they are listed."""

    LANE = "lane"
    FALLBACK = "fallback"
    PARKING = "parking"
    RESULTS = "results"
    RETRY = "retry"


class QueueSource(StrEnum):
    """Whom the numbers come from."""

    MANAGEMENT = "management"
    """The management API: everything, up to 5 s old."""
    PASSIVE = "passive"
    """A passive declare: what is ready and who consumes, as of now, of the queues known here."""


class QueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. None is what the source does not tell."""

    name: str
    kind: QueueKind
    ready: int | None
    """Messages that nobody has taken."""
    unacked: int | None = None
    """Messages that a consumer has and has not settled."""
    consumers: int | None
    oldest_age_seconds: float | None = None
    """At least so old is the oldest message: RabbitMQ tells the age of the first one of the
    highest priority, and of classic queues only."""


class QueueReport(msgspec.Struct, frozen=True, kw_only=True):
    source: QueueSource
    note: str | None = None
    """What is missing, and why."""
    warnings: list[str] = []
    """What waits for somebody to do something about it."""
    queues: list[QueueStatus]


async def by_api(api: ManagementApi, layout: Layout, clock: Clock) -> QueueReport:
    """All queues of this deployment. `ManagementUnavailableError` if the API cannot be asked."""
    now = clock.now()
    listed = [
        QueueStatus(
            name=queue.name,
            kind=kind,
            ready=queue.messages_ready,
            unacked=queue.messages_unacknowledged,
            consumers=queue.consumers,
            oldest_age_seconds=_head_age_seconds(queue, now),
        )
        for queue in await api.queues()
        if (kind := _kind(queue.name, layout))
    ]
    return QueueReport(
        source=QueueSource.MANAGEMENT,
        note=note_of(listed),
        warnings=warnings_of(listed),
        queues=_in_order(listed),
    )


async def by_bus(
    bus: Bus, store: Store, layout: Layout, why: ManagementUnavailableError
) -> QueueReport:
    """The queues of every lane that is known here, without those that do not exist.

    Lanes are known by the agent types and by the live workers, if the store can be asked.
    """
    lanes = dict.fromkeys([*AgentType, *await _lanes_of_workers(store)])
    names = [queue.name for queue in layout.for_tasks(lanes).queues]
    listed = [
        QueueStatus(name=name, kind=kind, ready=depth.ready, consumers=depth.consumers)
        for name, depth in (await bus.depths(names)).items()
        if depth and (kind := _kind(name, layout))
    ]
    note = (
        f"unacked, oldest and the results queues are unknown: the management API {why};"
        " LLMBUS_RABBITMQ_API_URL says where it is"
    )
    return QueueReport(
        source=QueueSource.PASSIVE,
        note=note,
        warnings=warnings_of(listed),
        queues=_in_order(listed),
    )


def note_of(queues: Iterable[QueueStatus]) -> str | None:
    """Why the management API did not tell all of these queues, if it did not."""
    if all(queue.ready is not None for queue in queues):
        return None
    return "?: RabbitMQ counts what is in a new queue a few seconds later; ask again"


def warnings_of(queues: Iterable[QueueStatus]) -> list[str]:
    """What waits in these queues and will not go on by itself, with what to do about it."""
    told: list[str] = []
    for queue in _in_order(queues):
        if queue.kind is QueueKind.FALLBACK and queue.ready and not queue.consumers:
            told.append(
                f"{_counted(queue.ready, 'task')} waiting for a fallback, and there is none:"
                " start `llmbus fallback`"
            )
        if queue.kind is QueueKind.PARKING and queue.ready:
            told.append(f"{_counted(queue.ready, 'message')} in parking: see `llmbus parking list`")
    return told


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


async def _lanes_of_workers(store: Store) -> list[str]:
    try:
        return [lane for worker in await store.workers() for lane in worker.lanes]
    except LlmbusError:  # the broker is what was asked about; the store only adds to it
        return []


def _head_age_seconds(queue: ListedQueue, now: datetime) -> float | None:
    if not isinstance(queue.head_message_timestamp, int):
        return None
    age = now - datetime.fromtimestamp(queue.head_message_timestamp, UTC)
    return max(age, timedelta(0)).total_seconds()


def _kind(name: str, layout: Layout) -> QueueKind | None:
    """None if the queue is not of this deployment: a vhost may hold others."""
    if name == layout.fallback_queue:
        return QueueKind.FALLBACK
    if name == layout.parking_queue:
        return QueueKind.PARKING
    beginnings = {
        f"{layout.tasks}.": QueueKind.LANE,
        f"{layout.results}.": QueueKind.RESULTS,
        f"{layout.prefix}.retry.": QueueKind.RETRY,
    }
    return next((kind for start, kind in beginnings.items() if name.startswith(start)), None)


_ORDER: Final = {kind: place for place, kind in enumerate(QueueKind)}


def _in_order(queues: Iterable[QueueStatus]) -> list[QueueStatus]:
    # By length first, so that retry.5000 comes before retry.15000.
    def place(queue: QueueStatus) -> tuple[int, int, str]:
        by_length = len(queue.name) if queue.kind is QueueKind.RETRY else 0
        return _ORDER[queue.kind], by_length, queue.name

    return sorted(queues, key=place)
