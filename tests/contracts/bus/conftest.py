"""Two lanes on an open bus."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmbus.shared.bus.interface import Bus
from tests.contracts.bus.traffic import LANE, LAYOUT, OTHER_LANE
from tests.contracts.bus.transports import Transport


@pytest.fixture
async def bus(transport: Transport) -> AsyncIterator[Bus]:
    """An open bus with two lanes declared."""
    async with transport.new_bus() as bus:
        await bus.declare(LAYOUT.for_tasks([LANE, OTHER_LANE]))
        yield bus


@pytest.fixture
async def second_bus(bus: Bus, transport: Transport) -> AsyncIterator[Bus]:
    """Another open connection to the same broker."""
    async with transport.new_bus() as second_bus:
        yield second_bus
