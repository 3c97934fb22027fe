"""A parking, and what is needed to fill it and to see what left it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmbus.ops.parking.survey import Parking
from llmbus.shared.bus.interface import Bus
from llmbus.shared.clock import SystemClock
from llmbus.shared.topology import Layout
from tests.contracts.bus.transports import Transport
from tests.contracts.path.scene import Scene
from tests.support.parked import LANE, ORCHESTRATOR


@pytest.fixture
def scene(transport: Transport) -> Scene:
    return Scene(transport)


@pytest.fixture
def layout(scene: Scene) -> Layout:
    return scene.layout


@pytest.fixture
async def bus(transport: Transport, layout: Layout) -> AsyncIterator[Bus]:
    async with transport.new_bus() as bus:
        await bus.declare(layout.for_tasks([LANE]) + layout.for_results(ORCHESTRATOR))
        yield bus


@pytest.fixture
async def parking(bus: Bus, transport: Transport, layout: Layout) -> AsyncIterator[Parking]:
    """On a connection of its own."""
    async with transport.new_bus() as bus:
        yield Parking(bus, layout, SystemClock())
