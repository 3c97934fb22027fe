"""Sending parked messages back where they came from.

The order is publish (confirmed), then ack: whatever ends this in between leaves the message in
parking, and the next redrive sends the same submission again, which a worker runs once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple

from llmbus.ops.parking.message import Kind, ParkedMessage
from llmbus.ops.parking.pace import Pace
from llmbus.ops.parking.selection import ParkingFilter
from llmbus.ops.parking.survey import Parking, settled_by_ack
from llmbus.shared.bus.interface import Delivery
from llmbus.shared.errors import InvalidInputError, UnroutableError
from llmbus.shared.parking import Route, redriven_copy, way_back
from llmbus.shared.result_envelope import RESULT_TYPE
from llmbus.shared.topology import Layout, checked_name

__all__ = ["Detour", "Redrive", "Step"]

UNREADABLE: Final = "nobody can read it, so it would come right back: name it by its id to try"
NO_WAY_BACK: Final = "it does not say where it came from: give a lane with --to"
NO_DETOUR: Final = "a result can only go to its orchestrator, not --to a lane"


class Step(NamedTuple):
    """What became of one message."""

    parked: ParkedMessage
    route: Route | None
    to: str
    """The queue of the lane, of the fallback or of the orchestrator; empty if there is no way."""
    problem: str = ""
    """Why it stays in parking; empty if it was sent."""

    def stays(self, problem: str) -> Step:
        """The same, but it stays in parking."""
        return self._replace(problem=problem)


@dataclass(frozen=True)
class Detour:
    """A lane to which every task goes, wherever it came from."""

    lane: str

    def __post_init__(self) -> None:
        checked_name(self.lane, "lane")


class Redrive:
    """Sends back what a filter lets through, one after the other."""

    def __init__(
        self, parking: Parking, wanted: ParkingFilter, detour: Detour | None, pace: Pace
    ) -> None:
        self._parking = parking
        self._wanted = wanted
        self._detour = detour
        self._pace = pace

    async def plan(self) -> AsyncGenerator[Step]:
        """What `carry_out` would do, without doing it. Whether a queue is there is asked now."""
        there: dict[str, bool] = {}
        async with aclosing(self._matching()) as matching:
            async for parked, delivery in matching:
                step = self._judged(parked, delivery)
                if not step.problem and step.to not in there:
                    depths = await self._parking.bus.depths([step.to])
                    there[step.to] = depths[step.to] is not None
                yield step if step.problem or there[step.to] else step.stays(_no_queue(step.to))

    async def carry_out(self) -> AsyncGenerator[Step]:
        """Each step is done when it is yielded.

        `PublishRefusedError`, `PublishUnknownError` and `BrokerUnreachableError` end it: nothing
        is lost by that, and by doing it again.
        """
        async with aclosing(self._matching()) as matching:
            async for parked, delivery in matching:
                step = self._judged(parked, delivery)
                if not step.problem:
                    await self._pace.turn()
                    step = await self._send(step, delivery)
                yield step

    async def _matching(self) -> AsyncGenerator[tuple[ParkedMessage, Delivery]]:
        async with aclosing(self._parking.messages()) as messages:
            async for parked, delivery in messages:
                if self._wanted.matches(parked):
                    yield parked, delivery

    def _judged(self, parked: ParkedMessage, delivery: Delivery) -> Step:
        route = self._route(delivery)
        to = "" if route is None else _queue_of(route, self._parking.layout)
        if parked.kind is Kind.UNREADABLE and self._wanted.message_ids is None:
            return Step(parked, route, to, UNREADABLE)
        if self._detour is not None and delivery.message.type == RESULT_TYPE:
            return Step(parked, route, to, NO_DETOUR)
        return Step(parked, route, to, "" if route else NO_WAY_BACK)

    def _route(self, delivery: Delivery) -> Route | None:
        if self._detour is not None:
            return Route(self._parking.layout.tasks, self._detour.lane)
        return way_back(delivery.message, delivery.routing_key, self._parking.layout)

    async def _send(self, step: Step, delivery: Delivery) -> Step:
        assert step.route is not None  # noqa: S101  a step without a route has a problem
        parking = self._parking
        copy = redriven_copy(
            delivery.message, route=step.route, layout=parking.layout, now=parking.clock.now()
        )
        try:
            await parking.bus.publish(*step.route, copy)
        except UnroutableError:
            return step.stays(_no_queue(step.to))
        except InvalidInputError as error:
            return step.stays(str(error))
        await settled_by_ack(delivery)
        return step


def _queue_of(route: Route, layout: Layout) -> str:
    if route.exchange == layout.dead:
        return layout.fallback_queue
    return f"{route.exchange}.{route.routing_key}"


def _no_queue(name: str) -> str:
    return f"there is no queue {name!r}"
