"""Looking through parking: every message once, none of them touched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import msgspec

from llmbus.ops.parking.message import Kind, ParkedMessage, described
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.shared.bus.interface import Bus, Delivery
from llmbus.shared.clock import Clock
from llmbus.shared.errors import BrokerUnreachableError, DeliveryLostError, InvalidInputError
from llmbus.shared.topology import Layout

__all__ = ["Group", "Parking", "Survey", "settled_by_ack"]

_SHOWN_CANDIDATES: Final = 5


class Group(msgspec.Struct):
    """The messages of one kind that stand in parking for one reason."""

    reason: str
    kind: Kind
    count: int = 0
    oldest_age_seconds: float | None = None


@dataclass
class Survey:
    """What was seen. Only `limit` messages are kept as rows; all of them are counted."""

    limit: int
    seen: int = 0
    rows: list[ParkedMessage] = field(default_factory=list[ParkedMessage])
    matched_ids: set[str] = field(default_factory=set[str])
    matched: int = 0
    _groups: dict[tuple[str, Kind], Group] = field(default_factory=dict[tuple[str, Kind], Group])

    @property
    def groups(self) -> list[Group]:
        """The largest first."""
        return sorted(self._groups.values(), key=lambda group: -group.count)

    def add(self, parked: ParkedMessage) -> None:
        """Count one that matches."""
        self.matched += 1
        self.matched_ids.add(parked.message_id)
        if len(self.rows) < self.limit:
            self.rows.append(parked)
        key = (parked.reason, parked.kind)
        group = self._groups.setdefault(key, Group(*key))
        group.count += 1
        ages = (group.oldest_age_seconds, parked.age_seconds)
        group.oldest_age_seconds = max((age for age in ages if age is not None), default=None)


class Parking:
    """The parking of one layout."""

    def __init__(self, bus: Bus, layout: Layout, clock: Clock) -> None:
        self.bus = bus
        self.layout = layout
        self.clock = clock

    async def messages(self) -> AsyncGenerator[tuple[ParkedMessage, Delivery]]:
        """What stands in parking now, oldest first; close it with `aclosing`.

        Held until settled, or until the end. It ends after as many as there were at the start, so
        it never meets again what was sent back and parked anew meanwhile.
        """
        queue = self.layout.parking_queue
        if (await self.bus.depths([queue]))[queue] is None:
            return
        async with self.bus.visit(queue) as visit:
            while (delivery := await visit.next()) is not None:
                yield described(delivery, self.clock.now()), delivery

    async def survey(self, wanted: ParkingFilter, limit: int) -> Survey:
        """Look at all, keep at most `limit` rows. Afterwards everything is back in its place."""
        survey = Survey(limit)
        async with aclosing(self.messages()) as messages:
            async for parked, _ in messages:
                survey.seen += 1
                if wanted.matches(parked):
                    survey.add(parked)
        return survey

    async def find(self, names: Collection[str]) -> frozenset[str]:
        """The message ids that these names mean: a message id, a task id, or the beginning of
        one. `InvalidInputError` for a name that means nothing, or more than one task."""
        found: dict[str, list[ParkedMessage]] = {name: [] for name in names}
        async with aclosing(self.messages()) as messages:
            async for parked, _ in messages:
                for name, candidates in found.items():
                    if parked.message_id.startswith(name) or parked.task_id.startswith(name):
                        candidates.append(parked)
        return frozenset(
            parked.message_id for name in found for parked in _meant(name, found[name])
        )


async def settled_by_ack(delivery: Delivery) -> None:
    """Take the message out of parking; `BrokerUnreachableError` if it is too late for that."""
    try:
        await delivery.ack()
    except DeliveryLostError:
        raise BrokerUnreachableError(
            f"the connection broke: {delivery.message.correlation_id!r}, dealt with last, stands in"
            " parking again. Nothing is lost, and doing it again does no harm"
        ) from None


def _meant(name: str, candidates: list[ParkedMessage]) -> list[ParkedMessage]:
    if not candidates:
        raise InvalidInputError(
            f"nothing in parking has the id {name!r}: it was redriven or discarded, or somebody"
            " else holds it just now"
        )
    exact = [each for each in candidates if name in (each.message_id, each.task_id)]
    meant = exact or candidates
    if len({each.task_id for each in meant}) > 1:
        some = ", ".join(
            f"{each.message_id} ({each.task_id})" for each in meant[:_SHOWN_CANDIDATES]
        )
        raise InvalidInputError(f"the id {name!r} means {len(meant)} messages: {some}; write more")
    return meant
