"""Thin gates around the real bus: they report, wait if told, and pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from types import TracebackType
from typing import Any, Self, cast

from llmbus.shared.bus.interface import (
    Bus,
    Delivery,
    Message,
    OnDelivery,
    QueueDepth,
    Subscription,
)
from llmbus.shared.envelope import attempt_of
from llmbus.shared.errors import DeliveryLostError, LlmbusError
from llmbus.shared.parking import history_of, redrives_of
from llmbus.shared.result_envelope import RESULT_TYPE
from llmbus.shared.topology import Layout, Topology
from tests.faults.gate_client import GateClient
from tests.faults.history import Fact
from tests.faults.steps import Step

__all__ = ["digest_of", "gated_bus"]


def digest_of(body: bytes) -> str:
    """Tells bodies apart."""
    return sha256(body).hexdigest()[:16]


class GatedDelivery:
    """A delivery whose settling is seen."""

    def __init__(self, delivery: Delivery, gate: GateClient) -> None:
        self._delivery = delivery
        self._gate = gate
        message = delivery.message
        self._fields: dict[str, Any] = {
            "task": message.correlation_id,
            "attempt": attempt_of(message),
            "delivery": delivery.message_id,
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._delivery, name)

    async def ack(self) -> None:
        """S12."""
        if self._delivery.message.type == RESULT_TYPE:
            await self._delivery.ack()
            return
        await self._gate.reach(Step.ACKING, Fact.ACKING, **self._fields)
        await self._settle(self._delivery.ack, Fact.ACKED)

    async def nack(self) -> None:
        await self._settle(self._delivery.nack, Fact.NACKED)

    async def reject(self) -> None:
        await self._settle(self._delivery.reject, Fact.NACKED)

    async def _settle(self, settle: Callable[[], Any], fact: Fact) -> None:
        try:
            await settle()
        except DeliveryLostError:
            self._gate.report(Fact.SETTLING_LOST, **self._fields)
            raise
        self._gate.report(fact, **self._fields)


class _GatedBus:
    """A bus whose traffic is seen."""

    def __init__(self, bus: Bus, gate: GateClient, layout: Layout) -> None:
        self._bus = bus
        self._gate = gate
        self._layout = layout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def __aenter__(self) -> Self:
        await self._bus.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._bus.__aexit__(exc_type, exc, traceback)

    async def declare(self, topology: Topology) -> None:
        await self._bus.declare(topology)

    async def depths(self, queues: Iterable[str]) -> dict[str, QueueDepth | None]:
        return await self._bus.depths(queues)

    async def consume(self, queue: str, prefetch: int, on_delivery: OnDelivery) -> Subscription:
        """S3 for tasks. Results are reported where the application gets them."""

        def take(delivery: Delivery) -> None:
            gated = cast(Delivery, GatedDelivery(delivery, self._gate))
            if delivery.message.type != RESULT_TYPE:
                # The transport's callback cannot wait, so the whole process does: as in a stall.
                self._gate.reach_now(
                    Step.DELIVERED,
                    Fact.DELIVERED,
                    task=delivery.message.correlation_id,
                    attempt=attempt_of(delivery.message),
                    delivery=delivery.message_id,
                    note=_story_of(delivery),
                )
            on_delivery(gated)

        return await self._bus.consume(queue, prefetch, take)

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        """S1 and S2 for tasks, S10 and S11 for results."""
        fields: dict[str, Any] = {
            "task": message.correlation_id,
            "attempt": attempt_of(message),
            "digest": digest_of(message.body),
        }
        before, after = self._steps(exchange)
        if before is not None:
            await self._gate.reach(*before, **fields)
        try:
            await self._bus.publish(exchange, routing_key, message)
        except LlmbusError as error:
            self._gate.report(Fact.PUBLISH_FAILED, **fields, note=f"{type(error).__name__}")
            raise
        if isinstance(after, Fact):
            self._gate.report(after, **fields)
        else:
            await self._gate.reach(*after, **fields)

    def _steps(self, exchange: str) -> tuple[tuple[Step, Fact] | None, tuple[Step, Fact] | Fact]:
        layout = self._layout
        if exchange == layout.tasks:
            return (Step.SUBMITTING, Fact.SUBMITTING), (Step.ACCEPTED, Fact.PUBLISH_CONFIRMED)
        if exchange == layout.results:
            answered = (Step.CONFIRMED, Fact.ANSWER_CONFIRMED)
            return (Step.ANSWERING, Fact.ANSWERING), answered
        if exchange == layout.unrouted:
            return None, Fact.PARK_CONFIRMED
        if exchange == layout.dead:
            return None, Fact.HAND_OVER_CONFIRMED
        return None, (Step.PUT_OFF, Fact.RETRY_CONFIRMED)


def _story_of(delivery: Delivery) -> str:
    story = ["redelivered"] if delivery.redelivered else []
    if redrives := redrives_of(delivery.message):
        told = len(history_of(delivery.message))
        story.append(f"redrive {redrives} with {told} earlier stays in parking")
    return ", ".join(story)


def gated_bus(bus: Bus, gate: GateClient, layout: Layout) -> Bus:
    """The same bus, its traffic seen."""
    return cast(Bus, _GatedBus(bus, gate, layout))
